"""`.slugignore`: what of the source stays out of build and slug.

Like .gitignore without negation (https://devcenter.heroku.com/articles/slug-compiler): a pattern
with a slash (other than a last one) counts from the root, one without matches names at any depth,
`**` spans folders, a last slash means folders only.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from _runner.source import remove


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of the file, as a regular expression over paths relative to the root."""

    expression: re.Pattern[str]
    folders_only: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether the pattern names this very path (not merely a folder above it)."""
        if self.folders_only and not is_folder:
            return False
        return self.expression.fullmatch(path) is not None


def parse(text: str) -> tuple[list[Pattern], list[str]]:
    """The patterns, and a warning for each line that is not supported."""
    patterns: list[Pattern] = []
    warnings: list[str] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("!"):
            warnings.append(f".slugignore line {number}: negation ({line}) is not supported.")
        elif line.strip("/"):
            patterns.append(_pattern(line))
    return patterns, warnings


def _pattern(line: str) -> Pattern:
    bare = line.rstrip("/")
    anchored = "/" in bare
    bare = bare.lstrip("/")
    expression = "/".join(_segment(part) for part in bare.split("/"))
    expression = expression.replace("\0/", "(?:.+/)?").replace("/\0", "/.+").replace("\0", ".+")
    prefix = "" if anchored else "(?:.+/)?"
    return Pattern(re.compile(prefix + expression, re.DOTALL), line.endswith("/"))


def _segment(part: str) -> str:
    """One path segment as an expression; `**` becomes a mark that is resolved with its slashes."""
    if part == "**":
        return "\0"
    pieces = re.split(r"(\*+|\?|\[[^\]]+\])", part)
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and piece.endswith("]"):
        return piece.replace("[!", "[^", 1)
    return re.escape(piece)


def apply(build_dir: Path) -> tuple[int, list[str]]:
    """Remove what `.slugignore` names; the number of files and folders removed, and warnings."""
    file = build_dir / ".slugignore"
    if not file.is_file():
        return 0, []
    patterns, warnings = parse(file.read_text(errors="replace"))
    doomed = list(_matches(build_dir, "", patterns))
    for path in doomed:
        remove(path)
    return len(doomed), warnings


def _matches(root: Path, folder: str, patterns: list[Pattern]) -> list[Path]:
    found: list[Path] = []
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}".lstrip("/")
            is_folder = entry.is_dir(follow_symlinks=False)
            if any(pattern.matches(path, is_folder=is_folder) for pattern in patterns):
                found.append(root / path)
            elif is_folder:
                found += _matches(root, path, patterns)
    return found
