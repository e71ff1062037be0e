"""What of an app's own source an installation depends on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from _lib.dependency_tree import key_of

# Installed in place, a project's Python files are read where they lie; only what its build reads
# counts.
_BUILD_FILES = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "CMakeLists.txt"}
)
_BUILD_SUFFIXES = frozenset({".pyx", ".pxd", ".c", ".cc", ".cpp", ".h", ".hpp", ".rs", ".toml"})
_PASSED_OVER = frozenset({".git", ".heroku", "node_modules", "__pycache__", ".venv", "venv"})


def editable_digest(folder: Path) -> str:
    """A digest of the files that decide how a project is installed in place."""
    return _digest(
        file
        for file in _files(folder)
        if file.name in _BUILD_FILES or file.suffix in _BUILD_SUFFIXES
    )


def whole_digest(path: Path) -> str:
    """A digest of all files of a project (or of one archive) that is installed as a copy."""
    return _digest([path] if path.is_file() else _files(path))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        yield from (Path(parent, name) for name in sorted(names))


def _digest(files: Iterator[Path] | list[Path]) -> str:
    parts: list[str | bytes] = []
    for file in files:
        if file.is_file():
            parts += [str(file), file.read_bytes()]
    return key_of(parts)
