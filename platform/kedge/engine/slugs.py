"""The slug store: layers kept on disk, compressed, one copy per content.

A layer is named by the sha256 of its plain tar, so two builds that make the same bytes share a
file, and a file can be checked against its name. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, cast

import zstandard

from kedge.engine.protocols import Layer, SlugImage
from kedge.errors import NotFound, Unavailable

SUFFIX = ".tar.zst"
PART_PREFIX = ".part-"
CHUNK_BYTES = 1 << 20
# Level 3 packs 300 MB in about two seconds; higher levels cost more than they save.
COMPRESSION_LEVEL = 3
# A part file this old belongs to a process that was killed.
STALE_PART_SECONDS = 24 * 3600


def slug_of(layers: Sequence[Layer]) -> SlugImage:
    """The slug these layers make, bottom first; its digest follows from theirs alone."""
    named = json.dumps([[layer.kind, layer.digest] for layer in layers], separators=(",", ":"))
    return SlugImage(digest=hashlib.sha256(named.encode()).hexdigest(), layers=tuple(layers))


class DiskSlugStore:
    """A `SlugStore` in one folder; several processes may use it at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str) -> bool:
        """Whether a layer of that digest is kept."""
        return self._path(digest).is_file()

    def add(self, tar: BinaryIO, kind: Literal["dependencies", "source"]) -> Layer:
        """Keep a plain tar read to its end; written under its digest only when whole.

        Raises:
            Unavailable: the disk is full or cannot be written (nothing half-made stays).
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._drop_stale_parts()
            with self._part() as part:
                digest, plain_bytes = _compress(tar, part)
                stored_bytes = part.tell()
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(self._path(digest))
            _sync_folder(self._folder)
        except OSError as error:
            raise Unavailable(
                f"The slug could not be stored: {error.strerror or error}. "
                f"Make room in {self._folder} (`kedge doctor` shows what uses the disk) "
                "and deploy again."
            ) from error
        return Layer(digest=digest, kind=kind, plain_bytes=plain_bytes, stored_bytes=stored_bytes)

    @contextmanager
    def open(self, digest: str) -> Iterator[BinaryIO]:
        """The plain tar of a layer. Raises NotFound."""
        try:
            packed = self._path(digest).open("rb")
        except FileNotFoundError:
            raise NotFound.of("slug", f"Slug layer {digest[:12]} is not in the store.") from None
        with packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
            yield cast("BinaryIO", plain)

    def touch(self, digest: str) -> int:
        """Count a layer as written now, so that it is not collected; its stored size in bytes.

        Raises:
            NotFound: no layer of that digest is kept.
        """
        path = self._path(digest)
        try:
            os.utime(path)
            return path.stat().st_size
        except FileNotFoundError:
            raise NotFound.of("slug", f"Slug layer {digest[:12]} is not in the store.") from None

    def digests(self) -> Mapping[str, float]:
        """All layers kept and when each was last written (unix seconds)."""
        found: dict[str, float] = {}
        for path in self._folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):  # removed meanwhile
                found[path.name.removesuffix(SUFFIX)] = path.stat().st_mtime
        return found

    def remove(self, digest: str) -> None:
        """Forget a layer; nothing happens when it is not there."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound.of("slug", f"{digest[:80]!r} is not the digest of a slug layer.")
        return self._folder / f"{digest}{SUFFIX}"

    @contextmanager
    def _part(self) -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
        """A file beside the layers that goes away unless it was renamed."""
        part = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed below, gone or renamed
            dir=self._folder, prefix=PART_PREFIX, delete=False
        )
        try:
            with part:
                yield part
        finally:
            Path(part.name).unlink(missing_ok=True)

    def _drop_stale_parts(self) -> None:
        for path in self._folder.glob(f"{PART_PREFIX}*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - STALE_PART_SECONDS:
                    path.unlink()


def _compress(tar: BinaryIO, into: tempfile._TemporaryFileWrapper[bytes]) -> tuple[str, int]:
    """Copy a plain stream compressed; returns its hex sha256 and its size in bytes."""
    digest, plain_bytes = hashlib.sha256(), 0
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)
    with compressor.stream_writer(into, closefd=False) as writer:
        while chunk := tar.read(CHUNK_BYTES):
            digest.update(chunk)
            plain_bytes += len(chunk)
            writer.write(chunk)
    return digest.hexdigest(), plain_bytes


def _sync_folder(folder: Path) -> None:
    """Make the rename itself outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
