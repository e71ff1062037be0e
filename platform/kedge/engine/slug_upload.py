"""A slug somebody uploads, on its way into the slug store."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from kedge.engine import slug_archive
from kedge.engine.protocols import SlugImage, SlugStore
from kedge.errors import BuildFailed, InvalidParams, TooLarge, Unavailable, VerificationFailed

CHUNK_BYTES = 1 << 20
MEGABYTE = 1 << 20
# What a slug may unpack to, as a multiple of what it may be packed.
MOST_UNPACKED = 8


def taken(
    stream: BinaryIO, slugs: SlugStore, folder: Path, limit_mb: int, sha256: str | None
) -> tuple[SlugImage, str]:
    """Read an archive to its end and keep what is in it; the slug, and the archive's sha256 (hex).

    Args:
        stream: the tar.gz as it comes; never whole in memory.
        slugs: where its layer goes.
        folder: where there is room to work in; nothing stays there.
        limit_mb: what it may have packed.
        sha256: what its digest must be, in hex; None when nobody said.

    Raises:
        TooLarge: it has more than `limit_mb`.
        VerificationFailed: its digest is another.
        InvalidParams: it is no archive, or holds what no slug may.
        Unavailable: the disk is full.
    """
    with _disk_in_words(folder), _nameless(folder) as archive, _nameless(folder) as plain:
        found = _copied(stream, archive, limit_mb)
        if sha256 is not None and found != sha256.lower():
            raise VerificationFailed(
                f"The slug's SHA256 is {found}, not {sha256.lower()}. "
                "It changed on its way: send it again, or correct the checksum."
            )
        try:
            limit_bytes = MOST_UNPACKED * limit_mb * MEGABYTE
            return slug_archive.stored(slugs, _path(archive), plain, limit_bytes), found
        except BuildFailed as error:  # nothing is built here, but an archive is refused alike
            raise InvalidParams(error.message, resource="slug") from error


def check_size(size_bytes: int | None, limit_mb: int) -> None:
    """Raises TooLarge when an archive of that size is not taken."""
    if size_bytes is not None and size_bytes > limit_mb * MEGABYTE:
        raise TooLarge(
            f"A slug may have up to {limit_mb} MB packed. Leave out what the app does not need."
        )


def _copied(stream: BinaryIO, into: BinaryIO, limit_mb: int) -> str:
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        size_bytes += len(chunk)
        check_size(size_bytes, limit_mb)
        digest.update(chunk)
        into.write(chunk)
    into.flush()
    return digest.hexdigest()


@contextmanager
def _nameless(folder: Path) -> Iterator[BinaryIO]:
    """A file without a name: nothing stays of it, however this process ends."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield cast("BinaryIO", file)


def _path(file: BinaryIO) -> Path:
    """A way to open a file without a name again, from its beginning."""
    return Path(f"/proc/self/fd/{file.fileno()}")


@contextmanager
def _disk_in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The slug could not be stored: {error.strerror or error}. "
            f"Make room in {folder} (`kedge doctor` shows what uses the disk) and send it again."
        ) from error
