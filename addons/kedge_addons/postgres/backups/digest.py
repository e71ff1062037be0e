"""What is written is what is read: sizes and SHA-256 of streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from kedge_addons.postgres.backups.store import StoreFailed


class Digest:
    """Counts and digests what goes through it."""

    def __init__(self) -> None:
        self._sha256, self.size_bytes = hashlib.sha256(), 0

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces."""
        for piece in pieces:
            self._sha256.update(piece)
            self.size_bytes += len(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._sha256.hexdigest()


def checked(pieces: Iterable[bytes], size_bytes: int | None, sha256: str | None) -> Iterator[bytes]:
    """The same pieces. Raises StoreFailed at their end: they are not what was kept."""
    digest = Digest()
    yield from digest.of(pieces)
    if (digest.size_bytes, digest.sha256) != (size_bytes, sha256):
        raise StoreFailed("What is kept of the backup is not what was written.")
