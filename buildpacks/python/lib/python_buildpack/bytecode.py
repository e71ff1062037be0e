"""Python's compiled files, in a form that no file time makes stale."""

from __future__ import annotations

from pathlib import Path

from _lib import tool
from _lib.place import Place


def compile_all(place: Place, python: Path, folder: Path) -> None:
    """Compile every module below `folder`.

    Layers give all files one fixed time, so the usual check by time would find every pyc file
    stale. In one process and in order, because pyc files of the same source differ between
    processes that compiled different modules before. Templates, and tests for other versions, do
    not compile; that is no error.
    """
    options = ("-q", "-q", "--invalidation-mode", "unchecked-hash")
    command = [str(python), "-I", "-m", "compileall", *options, str(folder)]
    tool.run_silent(command, env=place.tool_env(), cwd=folder)
