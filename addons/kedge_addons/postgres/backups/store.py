"""Where backups are kept, as those who make and read them see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from kedge_addons.errors import Away

PIECE_BYTES = 1 << 20
SUFFIX = ".dump"


class StoreFailed(Away):
    """What is kept cannot be written or read."""


class Store(Protocol):
    """Keeps files by name. What is being written is not there until it is whole."""

    name: str

    def write(self, key: str, pieces: Iterable[bytes]) -> int:
        """Keep what comes, in the place of what was there; how many bytes. Raises StoreFailed."""

    def read(self, key: str) -> Iterator[bytes]:
        """What is kept. Raises StoreFailed: it is not there, or cannot be read."""

    def size(self, key: str) -> int | None:
        """How many bytes are kept; None: it is not there. Raises StoreFailed."""

    def remove(self, key: str) -> None:
        """Keep it no longer, nor what was begun of it. Raises StoreFailed."""
