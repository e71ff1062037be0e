"""The source store: archives somebody uploaded, pushed or pointed to, each under its id.

An archive is kept as it came, and beside it, once a build asked for it, the checked plain tar.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from kedge.engine.addresses import MayAsk, is_public
from kedge.engine.source_clean import CleanedSource, clean
from kedge.engine.source_fetch import fetch
from kedge.errors import BuildFailed, NotFound, TooLarge, Unavailable, VerificationFailed

__all__ = ["CleanedSource", "SourceStore", "clean", "fetch", "verify"]

ARCHIVE_SUFFIX = ".archive"
PLAIN_SUFFIX = ".tar"
PART_PREFIX = ".part-"
CHUNK_BYTES = 1024 * 1024
DEFAULT_LIMIT_BYTES = 2048 * CHUNK_BYTES
FETCH_SECONDS = 300.0
# A part file this old belongs to a process that was killed.
STALE_PART_SECONDS = 24 * 3600


class SourceStore:
    """Source archives in one folder; several processes may use it at the same time."""

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        may_ask: MayAsk = is_public,
    ) -> None:
        """`limit_bytes` bounds an archive and what it unpacks to.

        `may_ask` tells which IP addresses archives are fetched from.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._may_ask = may_ask

    def write(
        self,
        source_id: UUID,
        stream: BinaryIO,
        limit_bytes: int | None = None,
        sha256: str | None = None,
    ) -> int:
        """Keep a stream read to its end as the archive of that id; its size in bytes.

        A reader never sees half of it. Written again, it replaces the earlier one.

        Raises:
            TooLarge: more than `limit_bytes` (the store's limit when not given).
            VerificationFailed: its digest is not `sha256` (hex).
            Unavailable: the disk is full or cannot be written.
        """
        limit_bytes = self._limit_bytes if limit_bytes is None else limit_bytes
        digest, size_bytes = hashlib.sha256(), 0
        with self._part(source_id) as (part, file):
            while chunk := stream.read(CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    raise _too_large(limit_bytes)
                digest.update(chunk)
                with _disk_in_words(self._folder):
                    file.write(chunk)
            if sha256 is not None and digest.hexdigest() != sha256.lower():
                raise _mismatch(sha256, digest.hexdigest())
            with _disk_in_words(self._folder):
                file.flush()
                os.fsync(file.fileno())
                part.replace(self._path(source_id))
                self._plain(source_id).unlink(missing_ok=True)
        return size_bytes

    def path(self, source_id: UUID) -> Path:
        """The archive as it came. Raises NotFound."""
        path = self._path(source_id)
        if not path.is_file():
            raise NotFound.of("source", "That source was never uploaded, or is gone by now.")
        return path

    def obtain(self, source_id: UUID, url: str | None = None, checksum: str | None = None) -> Path:
        """The plain, checked tar of a source; its archive is fetched from `url` if there is none.

        A single leading folder is taken off an archive that has a `url`, as those of GitHub have
        one; one without (a push) is the app's tree as it is.

        Raises:
            BuildFailed: there is no such source, or no source may look like that.
            VerificationFailed: it does not have the checksum (`SHA256:<hex>`).
            Unavailable: the disk is full.
        """
        archive = self._path(source_id)
        if not archive.is_file():
            if url is None:
                raise BuildFailed("The source is gone. Upload or push it again.")
            with _disk_in_words(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            fetch(
                url,
                archive,
                limit_bytes=self._limit_bytes,
                timeout_seconds=FETCH_SECONDS,
                may_ask=self._may_ask,
            )
        if checksum:
            verify(archive, checksum)
        plain = self._plain(source_id)
        if not plain.is_file():
            strip = url is not None
            clean(archive, plain, limit_bytes=self._limit_bytes, strip_leading_folder=strip)
        return plain

    def remove(self, source_id: UUID) -> None:
        """Forget a source; nothing happens when it is not there."""
        self._path(source_id).unlink(missing_ok=True)
        self._plain(source_id).unlink(missing_ok=True)

    def ages(self) -> Mapping[UUID, float]:
        """Seconds since each source was written, for garbage collection."""
        found: dict[UUID, float] = {}
        for path in self._folder.glob(f"*{ARCHIVE_SUFFIX}"):
            with suppress(FileNotFoundError, ValueError):  # removed meanwhile; not ours
                source_id = UUID(path.name.removesuffix(ARCHIVE_SUFFIX))
                found[source_id] = max(0.0, time.time() - path.stat().st_mtime)
        return found

    def _path(self, source_id: UUID) -> Path:
        return self._folder / f"{source_id}{ARCHIVE_SUFFIX}"

    def _plain(self, source_id: UUID) -> Path:
        return self._folder / f"{source_id}{PLAIN_SUFFIX}"

    @contextmanager
    def _part(self, source_id: UUID) -> Iterator[tuple[Path, BinaryIO]]:
        """A file beside the archives that goes away unless it was renamed."""
        part = self._folder / f"{PART_PREFIX}{source_id}-{os.urandom(4).hex()}"
        try:
            with _disk_in_words(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._drop_stale_parts()
                file = part.open("wb")
            try:
                yield part, file
            finally:
                with suppress(OSError):  # a full disk was reported when it was written
                    file.close()
        finally:
            part.unlink(missing_ok=True)

    def _drop_stale_parts(self) -> None:
        for path in self._folder.glob(f"{PART_PREFIX}*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - STALE_PART_SECONDS:
                    path.unlink()


def verify(archive: Path, checksum: str) -> None:
    """Check an archive against `SHA256:<64 hex digits>`.

    Raises:
        VerificationFailed: it has another digest, or the checksum is not of that form.
    """
    match = re.fullmatch(r"(?i:sha256):([0-9a-fA-F]{64})", checksum.strip())
    if match is None:
        raise VerificationFailed(
            f"The checksum {checksum[:100]!r} cannot be read. Give SHA256: and 64 hex digits, "
            "or leave it out."
        )
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != match[1].lower():
        raise _mismatch(match[1], found)


def _mismatch(wanted: str, found: str) -> VerificationFailed:
    return VerificationFailed(
        f"The source's SHA256 is {found}, not {wanted.lower()[:64]}. "
        "It changed on its way: send it again, or correct the checksum."
    )


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"The source is larger than {limit_bytes // (1024 * 1024)} MB, the largest taken. "
        "Leave out what the app does not need to be built."
    )


@contextmanager
def _disk_in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The source could not be stored: {error.strerror or error}. "
            f"Make room in {folder} (`kedge doctor` shows what uses the disk) and send it again."
        ) from error
