"""What pushes leave behind when they are killed: folders of sockets, and objects git never took.

Git removes its own when it can. What a kill -9 kept it from goes here, as soon as nobody alive
claims the folder (`engine/claims.py`).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from kedge.engine.claims import alone, claimed

log = structlog.get_logger()
PREFIX = "push-"
# Between its making and its claim a folder is nobody's, for a moment.
YOUNG_SECONDS = 30.0


@contextmanager
def push_folder(run_dir: Path) -> Iterator[Path]:
    """A folder for one push, gone at its end."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=run_dir) as folder,
        claimed(Path(folder)),
    ):
        yield Path(folder)


def sweep(run_dir: Path, repositories: Path) -> None:
    """Remove what pushes left that are over."""
    for folder in run_dir.glob(f"{PREFIX}*"):
        if _is_young(folder):
            continue
        with alone(folder) as is_left:
            if is_left:
                _remove(folder)
    for repository in {found.parent.parent for found in _quarantines(repositories, "*.git")}:
        with alone(repository) as is_quiet:
            for folder in _quarantines(repositories, repository.name) if is_quiet else ():
                _remove(folder)


def _quarantines(repositories: Path, name: str) -> Iterator[Path]:
    """Folders in which git keeps a push's objects until it is accepted."""
    return repositories.glob(f"{name}/objects/tmp_objdir-*")


def _is_young(folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return folder.stat().st_mtime > time.time() - YOUNG_SECONDS
    return True


def _remove(folder: Path) -> None:
    log.info("push.leftover", folder=folder.name)
    shutil.rmtree(folder, ignore_errors=True)
