"""Which file says what to install."""

from __future__ import annotations

import tomllib
from pathlib import Path

from _lib import screen
from _lib.refusal import Refused

# Heroku's order. requirements.txt is before the lock files of tools that also export one.
_KNOWN = ("Pipfile.lock", "requirements.txt", "poetry.lock", "uv.lock")


def choose(build_dir: Path) -> str:
    """The name of the file that decides; `pyproject.toml` when there is no lock file.

    Raises:
        Refused: there is nothing to install from, with what to add.
    """
    found = [name for name in _KNOWN if (build_dir / name).is_file()]
    if len(found) > 1:
        screen.error(f"More than one file says what to install: {', '.join(found)}.")
        screen.error(f"{found[0]} is used. Remove the others from the repository.")
    if found:
        return found[0]
    if (build_dir / "Pipfile").is_file():
        raise Refused(
            "There is a Pipfile but no Pipfile.lock.",
            "Run `pipenv lock`, commit Pipfile.lock and push again.",
        )
    if _has_project(build_dir / "pyproject.toml"):
        screen.error(
            "pyproject.toml has no lock file beside it: versions may differ between builds."
        )
        screen.error("Run `uv lock` and commit uv.lock.")
        return "pyproject.toml"
    raise Refused(
        "Nothing says which packages to install.",
        "Add a requirements.txt (an empty one will do), or a uv.lock, poetry.lock or Pipfile.lock,",
        "to the root of the repository, commit it and push again.",
    )


def _has_project(file: Path) -> bool:
    return file.is_file() and "project" in tomllib.loads(file.read_text())
