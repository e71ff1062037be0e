"""What a slug consists of, and where its layers are kept."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Layer:
    """One tar of a slug. `digest` is the hex sha256 of the plain tar, sizes are in bytes."""

    digest: str
    kind: Literal["dependencies", "source"]
    plain_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class SlugImage:
    """What a slug consists of, bottom layer first. `digest` is the slug's own hex sha256."""

    digest: str
    layers: tuple[Layer, ...]


class SlugStore(Protocol):
    """Content-addressed layers: one copy per digest, compressed at rest."""

    def has(self, digest: str) -> bool:
        """Whether a layer of that digest is kept."""

    def add(self, tar: BinaryIO, kind: Literal["dependencies", "source"]) -> Layer:
        """Keep a plain tar read to its end; written under its digest only when whole.

        Raises:
            Unavailable: the disk is full or cannot be written (nothing half-made stays).
        """

    def open(self, digest: str) -> AbstractContextManager[BinaryIO]:
        """The plain tar of a layer. Raises NotFound."""

    def touch(self, digest: str) -> int:
        """Count a layer as written now, so that it is not collected; its stored size in bytes.

        Raises NotFound.
        """

    def digests(self) -> Mapping[str, float]:
        """All layers kept and when each was last written (unix seconds), for garbage collection."""

    def remove(self, digest: str) -> None:
        """Forget a layer; nothing happens when it is not there."""
