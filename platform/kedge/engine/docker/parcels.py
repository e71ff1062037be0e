"""Files on a stream, as a build's runner takes and gives them (`buildpacks/_runner/parcels.py`).

For each a line `SIZE NAME`, then its bytes; an empty line ends them. What comes is not trusted.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from kedge.engine.docker.tarstream import CHUNK_BYTES, ChunkReader

LINE_LIMIT_BYTES = 1000


class Garbled(Exception):
    """What comes is not as it has to be, or ends too early."""


class Parcel:
    """A file that comes, read by `read` like any other."""

    def __init__(self, stream: BinaryIO, name: str, size: int) -> None:
        self.name = name
        self._stream, self._left = stream, size

    def read(self, size: int) -> bytes:
        """The next bytes, up to `size` of them; b"" at the end. Raises Garbled."""
        wanted = min(size, self._left)
        chunk = self._stream.read(wanted)
        if len(chunk) < wanted:
            raise Garbled("a file ended too early")
        self._left -= wanted
        return chunk

    def skip(self) -> None:
        """Pass over what was not read of it. Raises Garbled."""
        while self._left:
            self.read(CHUNK_BYTES)


def packed(files: Iterable[tuple[str, bytes | Path]]) -> Iterator[bytes]:
    """The bytes that send these files. Raises OSError when one cannot be read."""
    for name, content in files:
        if isinstance(content, bytes):
            yield f"{len(content)} {name}\n".encode() + content
            continue
        with content.open("rb") as file:
            yield f"{content.stat().st_size} {name}\n".encode()
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    yield b"\n"


def received(chunks: Iterable[bytes]) -> Iterator[Parcel]:
    """The files that come; one that is not read is passed over. Raises Garbled."""
    stream = io.BufferedReader(ChunkReader(chunks))
    while line := _line(stream):
        size, _, name = line.partition(" ")
        if not size.isdecimal():
            raise Garbled(f"no size: {line!r}")
        parcel = Parcel(stream, name, int(size))
        yield parcel
        parcel.skip()


def _line(stream: BinaryIO) -> str:
    line = stream.readline(LINE_LIMIT_BYTES)
    if not line.endswith(b"\n"):
        raise Garbled("a line ended too early")
    return line[:-1].decode(errors="replace")
