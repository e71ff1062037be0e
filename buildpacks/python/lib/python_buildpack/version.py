"""Which Python an app runs on.

The stack's own is used when it satisfies the app; it is in the run image already and costs
nothing. Any other is fetched by uv into the slug.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from _lib.refusal import Refused

Version = tuple[int, ...]

_EXAMPLES = "Write the version alone, for example 3.13 (any patch release of it) or 3.13.5."
_ASKED = re.compile(r"(?:python-|cpython-)?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_OFFERED = tuple(f"3.{minor}" for minor in range(14, 8, -1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version an app asks for: `3.13` or `3.13.5`, and the file that says so."""

    version: str
    file: str

    def satisfied_by(self, have: str) -> bool:
        """Whether `have`, a full version, is one of those asked for."""
        parts = self.version.split(".")
        return have.split(".")[: len(parts)] == parts


def wanted(build_dir: Path) -> Wanted | None:
    """The version an app asks for, in Heroku's order of files; None when it does not say.

    Raises:
        Refused: a file says something that is no version.
    """
    for name in (".python-version", "runtime.txt"):
        file = build_dir / name
        if file.is_file():
            return Wanted(parse(file.read_text(errors="replace"), name), name)
    return _from_pipfile(build_dir / "Pipfile.lock")


def parse(text: str, name: str) -> str:
    """The version in a `.python-version` or `runtime.txt`: `3.13`, or `3.13.5`."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise Refused(f"{name} names no Python version.", _EXAMPLES)
    if len(lines) > 1:
        raise Refused(f"{name} names more than one Python version: {', '.join(lines)}", _EXAMPLES)
    match = _ASKED.fullmatch(lines[0])
    if match is None:
        raise Refused(
            f"{name} names no Python version that can be understood: {lines[0]}", _EXAMPLES
        )
    if match[1] != "3":
        raise Refused(
            f"{name} asks for {lines[0]}; Python 3 is what can be had.",
            _EXAMPLES,
        )
    return ".".join(part for part in match.groups() if part)


def _from_pipfile(file: Path) -> Wanted | None:
    if not file.is_file():
        return None
    try:
        requires = json.loads(file.read_text())["_meta"]["requires"]
    except (ValueError, KeyError, TypeError):
        return None
    version = requires.get("python_full_version") or requires.get("python_version")
    return Wanted(parse(version, file.name), file.name) if version else None


def requires_python(build_dir: Path) -> str:
    """What pyproject.toml demands of Python (`>=3.11,<4`, Poetry's `^3.11`), or ''."""
    file = build_dir / "pyproject.toml"
    if not file.is_file():
        return ""
    try:
        project = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"pyproject.toml is not valid TOML: {error}") from error
    poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
    return str(project.get("project", {}).get("requires-python") or poetry)


def first_offered(specifiers: str) -> Wanted | None:
    """The newest Python that pyproject.toml allows; None when it allows none that exists."""
    for version in _OFFERED:
        if allows(specifiers, f"{version}.99"):
            return Wanted(version, "pyproject.toml")
    return None


def allows(specifiers: str, have: str) -> bool:
    """Whether a full version satisfies specifiers joined by commas (PEP 440, and Poetry's `^`)."""
    return all(
        _allows_one(one.strip(), _numbers(have)) for one in specifiers.split(",") if one.strip()
    )


def _numbers(version: str) -> Version:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _allows_one(specifier: str, have: Version) -> bool:
    match = re.match(r"(\^|~=|~|===?|!=|>=|<=|>|<)?\s*v?([\d.*]+)", specifier)
    if match is None:
        return True
    operator, text = match[1] or "==", match[2]
    bound = _numbers(text)
    if operator in {"==", "===", "!="}:
        same = have[: len(bound)] == bound
        return same != (operator == "!=")
    if operator in {"^", "~", "~="}:
        kept = 1 if operator == "^" else max(1, min(2, len(bound) - (operator == "~=")))
        return have >= bound and have[:kept] == bound[:kept]
    return {">=": have >= bound, "<=": have <= bound, ">": have > bound, "<": have < bound}[
        operator
    ]
