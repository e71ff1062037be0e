"""Files on a stream: for each a line `SIZE NAME`, then its bytes; an empty line ends them.

Simpler than a tar, so that who must not trust the sender has little to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1 << 20


class CutOff(Exception):
    """The stream ended, or a file did, before all of it had come."""


def received(stream: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each file's name and content, which must be taken before the next. Raises CutOff."""
    while (line := stream.readline()).endswith(b"\n"):
        size, _, name = line[:-1].decode().partition(" ")
        if not size:
            return
        yield name, _content(stream, int(size))
    raise CutOff


def send(stream: BinaryIO, files: Iterable[Path]) -> None:
    """Send files by their names alone. Raises CutOff."""
    for file in files:
        size = file.stat().st_size
        stream.write(f"{size} {file.name}\n".encode())
        with file.open("rb") as opened:
            stream.writelines(_content(opened, size))
    stream.write(b"\n")
    stream.flush()


def _content(stream: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise CutOff
        left -= len(chunk)
        yield chunk
