"""Tar archives as streams of bytes, in both directions, never whole in memory."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from kedge.errors import RuntimeDown

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive: a folder when `content` is None. `mode` as in chmod."""

    name: str
    content: bytes | Path | Readable | None
    mode: int = 0o644
    uid: int = 0


@dataclass(frozen=True, slots=True)
class Readable:
    """Content that is opened when its turn comes; `size` in bytes must be exact."""

    opened: AbstractContextManager[BinaryIO]
    size: int


def archive(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of a tar archive of these members."""
    for member in members:
        info, opened = _described(member)
        yield info.tobuf(tarfile.GNU_FORMAT)
        if opened is not None:
            yield from _padded(opened, info.size)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _described(member: Member) -> tuple[tarfile.TarInfo, AbstractContextManager[BinaryIO] | None]:
    info = tarfile.TarInfo(member.name)
    info.mode, info.uid, info.gid = member.mode, member.uid, member.uid
    content = member.content
    if content is None:
        info.type = tarfile.DIRTYPE
        return info, None
    if isinstance(content, bytes):
        info.size = len(content)
        return info, nullcontext(io.BytesIO(content))
    if isinstance(content, Readable):
        info.size = content.size
        return info, content.opened
    info.size = content.stat().st_size
    return info, content.open("rb")


def _padded(opened: AbstractContextManager[BinaryIO], size: int) -> Iterator[bytes]:
    left = size
    with opened as stream:
        while left and (chunk := stream.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    if left:
        raise RuntimeDown(f"A file ended {left} bytes early while it was copied. Try again.")
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


class ChunkReader(io.RawIOBase):
    """A readable file over an iterator of byte strings."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill as much of `buffer` as one chunk has."""
        target = memoryview(cast("bytearray", buffer))
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@contextmanager
def only_file(chunks: Iterable[bytes]) -> Iterator[BinaryIO]:
    """The first plain file of a tar that comes as chunks. Raises FileNotFoundError."""
    stream = io.BufferedReader(ChunkReader(chunks), CHUNK_BYTES)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for info in tar:
            file = tar.extractfile(info) if info.isreg() else None
            if file is not None:
                with file:
                    yield cast("BinaryIO", file)
                return
    raise FileNotFoundError("the archive holds no file")
