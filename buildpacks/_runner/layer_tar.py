"""A layer as a deterministic tar, with its digest and its compressed size taken while it is
written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_UID = 1000
_BLOCK_BYTES = 512
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """A finished tar. `compressed_bytes` is what zstd makes of it."""

    digest: str
    size_bytes: int
    compressed_bytes: int


class _Measure:
    """Counts what zstd would make of a stream, at its fastest, on the other processor."""

    def __init__(self) -> None:
        self._size_bytes = 0
        self._zstd = subprocess.Popen(
            ["zstd", "-1", "-q", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._counting = threading.Thread(target=self._count)
        self._counting.start()

    def _count(self) -> None:
        assert self._zstd.stdout is not None  # noqa: S101  (opened as a pipe)
        while chunk := self._zstd.stdout.read(_CHUNK_BYTES):
            self._size_bytes += len(chunk)

    def write(self, chunk: bytes) -> None:
        assert self._zstd.stdin is not None  # noqa: S101  (opened as a pipe)
        self._zstd.stdin.write(chunk)

    def close(self) -> int:
        assert self._zstd.stdin is not None  # noqa: S101  (opened as a pipe)
        self._zstd.stdin.close()
        self._counting.join()
        self._zstd.wait()
        return self._size_bytes


class _PlainMeasure:
    """Where zstd is missing, a tar counts with all its bytes."""

    def __init__(self) -> None:
        self._size_bytes = 0

    def write(self, chunk: bytes) -> None:
        self._size_bytes += len(chunk)

    def close(self) -> int:
        return self._size_bytes


class LayerTar:
    """Writes one tar. Owners are the dyno's; modes are 755 or 644; times are `mtime`, for all
    entries.

    So equal trees make equal digests, whoever unpacked them, with whatever umask, and whenever.
    """

    def __init__(self, path: Path, *, mtime: int) -> None:
        self._file: BinaryIO = path.open("wb")
        self._mtime = mtime
        self._hash = hashlib.sha256()
        self._measure = _Measure() if shutil.which("zstd") else _PlainMeasure()
        self._pending = bytearray()
        self._size_bytes = 0
        self._written: Written | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._written is None:
            self._measure.close()
        self._file.close()

    def add(self, path: Path, name: str) -> int:
        """Add a file, link or (empty) folder as `name`; the bytes of its content.

        Sockets, pipes and devices are left out: a slug cannot carry them.
        """
        status = path.lstat()
        info = self._info(name)
        if stat.S_ISDIR(status.st_mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        elif stat.S_ISLNK(status.st_mode):
            info.type, info.mode = tarfile.SYMTYPE, 0o777
            info.linkname = str(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            info.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            return self._add_file(info, path, status.st_size)
        else:
            return 0
        self._put(_header(info))
        return 0

    def add_folder(self, name: str) -> None:
        """Add a folder that need not exist on disk (the parents of a tree)."""
        info = self._info(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        self._put(_header(info))

    def finish(self) -> Written:
        """End the tar; its digest and sizes."""
        self._put(bytes(2 * _BLOCK_BYTES))
        self._flush()
        compressed = self._measure.close()
        self._written = Written(self._hash.hexdigest(), self._size_bytes, compressed)
        return self._written

    def _info(self, name: str) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.uid = info.gid = _UID
        info.mtime = self._mtime
        return info

    def _add_file(self, info: tarfile.TarInfo, path: Path, size_bytes: int) -> int:
        info.size = size_bytes
        self._put(_header(info))
        left = size_bytes
        with path.open("rb", buffering=0) as file:
            while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                self._put(chunk)
        # A file that shrank while it was read is filled up, as tar does, so that the tar stays
        # whole.
        self._put(bytes(left + -size_bytes % _BLOCK_BYTES))
        return size_bytes

    def _put(self, chunk: bytes) -> None:
        self._pending += chunk
        if len(self._pending) >= _CHUNK_BYTES:
            self._flush()

    def _flush(self) -> None:
        chunk = bytes(self._pending)
        self._pending.clear()
        self._file.write(chunk)
        self._hash.update(chunk)
        self._measure.write(chunk)
        self._size_bytes += len(chunk)


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def walk(root: Path, path: str, leave_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """All paths below and including `path`, relative to `root`, parents first, each folder sorted.

    `leave_out` are relative paths that are passed over with everything below them.
    """
    if path in leave_out:
        return
    if path:
        yield path
    full = root / path
    if path and (full.is_symlink() or not full.is_dir()):
        return
    for name in sorted((child.name for child in full.iterdir()), key=os.fsencode):
        yield from walk(root, f"{path}/{name}" if path else name, leave_out)
