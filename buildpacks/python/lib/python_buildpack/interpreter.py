"""The Python itself: the stack's, or one that uv fetches into the slug."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from _lib import dependency_tree, screen, tool
from _lib.place import Place
from _lib.refusal import Refused

from python_buildpack import version
from python_buildpack.bytecode import compile_all
from python_buildpack.uv import installer_settings
from python_buildpack.version import Wanted

STACK_PYTHON = "/usr/bin/python3"
_FETCHED = ".heroku/cpython"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its program as the dyno will call it, and its full version."""

    program: str
    version: str


def choose(place: Place) -> Interpreter:
    """The Python this app runs on, in place and shown.

    Raises:
        Refused: the version asked for does not exist or cannot be fetched.
    """
    have = stack_version()
    asked = version.wanted(place.build_dir)
    demands = version.requires_python(place.build_dir)
    if asked is None and not version.allows(demands, have):
        asked = version.first_offered(demands)
        if asked is None:
            raise Refused(f"pyproject.toml demands a Python that does not exist: {demands}")
    if asked is None:
        screen.step(f"Using Python {have}, the stack's")
        screen.detail("To keep to it, add a .python-version file: " + have.rpartition(".")[0])
        return Interpreter(STACK_PYTHON, have)
    if asked.satisfied_by(have):
        screen.step(f"Using Python {have}, as {asked.file} asks")
        return Interpreter(STACK_PYTHON, have)
    return _fetched(place, asked, have)


def stack_version() -> str:
    """The full version of the stack's Python."""
    return tool.output_of(
        [STACK_PYTHON, "-I", "-c", "import platform; print(platform.python_version())"],
        env=os.environ,
        cwd=Path("/"),
    ).strip()


def _fetched(place: Place, asked: Wanted, have: str) -> Interpreter:
    kept = place.cache_dir / "python" / "interpreter" / asked.version
    folder = place.build_dir / _FETCHED
    dependency_tree.restore(kept, place.build_dir)
    if not _program(folder).name:
        screen.step(f"Fetching Python {asked.version}, as {asked.file} asks")
        _fetch(place, asked, folder, have)
    program = _program(folder)
    dependency_tree.forget_others(kept)
    dependency_tree.declare("10-interpreter", dependency_tree.Declaration((_FETCHED,), kept))
    full = program.parents[1].name.split("-")[1]
    screen.step(f"Using Python {full}, as {asked.file} asks")
    return Interpreter(str(program), full)


def _program(folder: Path) -> Path:
    """The fetched interpreter's program, or an empty path."""
    found = sorted(folder.glob("cpython-3.*.*/bin/python3"))
    return found[-1] if found else Path()


def _fetch(place: Place, asked: Wanted, folder: Path, have: str) -> None:
    settings = {
        "UV_HTTP_TIMEOUT": "60",
        **installer_settings(place.config),
        "UV_CACHE_DIR": str(place.cache_dir / "uv"),
        "UV_NO_PROGRESS": "1",
    }
    env = place.tool_env(**settings)
    command = ["uv", "python", "install", "--install-dir", str(folder), "--no-bin", asked.version]
    status, lines = tool.run_shown(command, env=env, cwd=Path("/"))
    if status == 0:
        program = _program(folder)
        for library in program.parents[1].glob("lib/python3*"):
            compile_all(place, program, library)
        return
    what = f"Python {asked.version}, which {asked.file} asks for,"
    stack = f"The stack has Python {have}: to use it, write {have.rpartition('.')[0]} instead."
    if any("No download found" in line for line in lines):
        raise Refused(f"{what} does not exist.", stack)
    origin = (
        "It comes from github.com/astral-sh/python-build-standalone: is that reachable from here?"
    )
    raise Refused(f"{what} could not be fetched.", origin, stack)
