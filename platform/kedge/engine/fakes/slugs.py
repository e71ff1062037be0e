"""A slug store in memory."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Literal

from kedge.engine.protocols import Layer
from kedge.errors import NotFound


class FakeSlugStore:
    """A `SlugStore` in memory."""

    def __init__(self) -> None:
        self._tars: dict[str, bytes] = {}
        self._written_at: dict[str, float] = {}

    def has(self, digest: str) -> bool:
        """Whether a layer of that digest is kept."""
        return digest in self._tars

    def add(self, tar: BinaryIO, kind: Literal["dependencies", "source"]) -> Layer:
        """Keep a plain tar read to its end."""
        content = tar.read()
        digest = hashlib.sha256(content).hexdigest()
        self._tars[digest] = content
        self._written_at[digest] = time.time()
        return Layer(
            digest=digest, kind=kind, plain_bytes=len(content), stored_bytes=len(content) // 2
        )

    @contextmanager
    def open(self, digest: str) -> Iterator[BinaryIO]:
        """The plain tar of a layer. Raises NotFound."""
        if digest not in self._tars:
            raise NotFound.of("slug")
        yield io.BytesIO(self._tars[digest])

    def touch(self, digest: str) -> int:
        """Count a layer as written now; its stored size in bytes. Raises NotFound."""
        if digest not in self._tars:
            raise NotFound.of("slug")
        self._written_at[digest] = time.time()
        return len(self._tars[digest]) // 2

    def digests(self) -> Mapping[str, float]:
        """All layers kept and when each was last written."""
        return dict(self._written_at)

    def remove(self, digest: str) -> None:
        """Forget a layer; nothing happens when it is not there."""
        self._tars.pop(digest, None)
        self._written_at.pop(digest, None)
