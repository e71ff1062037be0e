"""Backups in a folder of the home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from kedge_addons.postgres.backups.store import PIECE_BYTES, SUFFIX, StoreFailed

PART = ".part"
# The platform, its database and its logs live on that disk too: backups must not starve them.
RESERVE_BYTES = 512 * 2**20
LOOK_BYTES = 16 * 2**20
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class FolderStore:
    """Keeps files in a folder that nobody else reads."""

    name = "disk"

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder, self._reserve_bytes = folder, reserve_bytes

    def write(self, key: str, pieces: Iterable[bytes]) -> int:
        """Written beside its place, brought to the disk, then put there."""
        target, part = self._path(key), self._path(key, PART)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, NEW, mode=0o600), "wb") as file:
                for piece in self._while_there_is_room(pieces):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            part.replace(target)
            _sync(self._folder)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise _disk(error) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return size

    def read(self, key: str) -> Iterator[bytes]:
        """Piece by piece."""
        try:
            with self._path(key).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except OSError as error:
            raise _disk(error) from error

    def size(self, key: str) -> int | None:
        """By the file system."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _disk(error) from error

    def remove(self, key: str) -> None:
        """The file, and what was begun of it."""
        try:
            for suffix in (SUFFIX, PART):
                self._path(key, suffix).unlink(missing_ok=True)
        except OSError as error:
            raise _disk(error) from error

    def _while_there_is_room(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, with a look at the disk now and then. Raises StoreFailed: it is full."""
        unlooked = LOOK_BYTES
        for piece in pieces:
            unlooked += len(piece)
            if unlooked >= LOOK_BYTES:
                unlooked = 0
                self._check_room()
            yield piece

    def _check_room(self) -> None:
        left = shutil.disk_usage(self._folder).free
        if left < self._reserve_bytes:
            left_mb, reserve_mb = left // 2**20, self._reserve_bytes // 2**20
            raise StoreFailed(
                f"The platform's disk has {left_mb} MB left, and {reserve_mb} MB are kept free. "
                "Remove old backups or enlarge it."
            )

    def _path(self, key: str, suffix: str = SUFFIX) -> Path:
        return self._folder / f"{key}{suffix}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk(error: OSError) -> StoreFailed:
    return StoreFailed(f"The platform's disk: {error.strerror or type(error).__name__}.")
