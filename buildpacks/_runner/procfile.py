"""The Procfile: process types and their commands."""

from __future__ import annotations

import re
from pathlib import Path

from _lib.refusal import Refused

_ENTRY = re.compile(r"([A-Za-z0-9_-]+):\s*(\S[^\0]*)")
_LONGEST_TYPE = 40
_FORM = (
    "Each line of a Procfile reads `<process type>: <command>`, for example: web: gunicorn app:app"
)


def read(build_dir: Path) -> dict[str, str]:
    """The process types a source declares, in its order; none when it has no Procfile.

    Raises:
        Refused: the file cannot be understood; names the line and what to write.
    """
    file = build_dir / "Procfile"
    if not file.is_file():
        return {}
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("The Procfile is not UTF-8 text.", "Save it as UTF-8.", _FORM) from error
    return parse(text)


def misspelled(build_dir: Path) -> str | None:
    """The name of a file that was probably meant to be the Procfile (such as `procfile`)."""
    if (build_dir / "Procfile").is_file():
        return None
    for path in sorted(build_dir.iterdir()):
        if path.is_file() and path.name.lower() in {"procfile", "procfile.txt"}:
            return path.name
    return None


def parse(text: str) -> dict[str, str]:
    """Process types by name. Empty lines and lines that begin with `#` are passed over."""
    types: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, command = _entry(line, number)
        if name in types:
            raise Refused(
                f"The Procfile names {name} twice, in lines {lines[name]} and {number}.",
                "Remove or rename one of them.",
            )
        types[name], lines[name] = command, number
    return types


def _entry(line: str, number: int) -> tuple[str, str]:
    match = _ENTRY.fullmatch(line)
    if match is None:
        raise Refused(
            f"Line {number} of the Procfile cannot be read: {line[:120]}", _problem(line), _FORM
        )
    name, command = match.groups()
    if len(name) > _LONGEST_TYPE:
        raise Refused(
            f"Line {number} of the Procfile: the process type's name has {len(name)} characters.",
            f"Use at most {_LONGEST_TYPE}.",
        )
    return name, command


def _problem(line: str) -> str:
    if "\0" in line:
        return "It has a NUL character."
    name, colon, command = line.partition(":")
    if not colon:
        return "It has no colon."
    if not command.strip():
        return f"It has no command after `{name}:`."
    return f"`{name.strip()}` is no process type: letters, digits, `-` and `_` only."
