"""What every slug store keeps to."""

from __future__ import annotations

import hashlib
import io
import time

import pytest

from kedge.engine.protocols import SlugStore
from kedge.errors import NotFound

PLAIN = b"a layer " * 100_000
DIGEST = hashlib.sha256(PLAIN).hexdigest()
ABSENT = "0" * 64


class TestSlugStore:
    def test_names_by_content(self, slugs: SlugStore):
        """A layer is named by the sha256 of its plain tar, and its plain size is known."""
        layer = slugs.add(io.BytesIO(PLAIN), "source")

        assert (layer.digest, layer.kind, layer.plain_bytes) == (DIGEST, "source", len(PLAIN))

    def test_gives_back_what_it_got(self, slugs: SlugStore):
        """Opening a layer gives the plain tar, byte for byte."""
        slugs.add(io.BytesIO(PLAIN), "source")

        with slugs.open(DIGEST) as tar:
            assert tar.read() == PLAIN

    def test_keeps_one_copy(self, slugs: SlugStore):
        """The same content added twice is one layer."""
        first = slugs.add(io.BytesIO(PLAIN), "source")
        second = slugs.add(io.BytesIO(PLAIN), "source")

        assert first == second
        assert list(slugs.digests()) == [DIGEST]

    def test_knows_what_it_has(self, slugs: SlugStore):
        """Only layers that were added are there."""
        slugs.add(io.BytesIO(PLAIN), "source")

        assert slugs.has(DIGEST)
        assert not slugs.has(ABSENT)

    def test_tells_when_written(self, slugs: SlugStore):
        """Adding and touching both set the time a layer was last written."""
        before = time.time() - 1
        slugs.add(io.BytesIO(PLAIN), "source")
        added_at = slugs.digests()[DIGEST]
        stored_bytes = slugs.touch(DIGEST)

        assert before <= added_at <= slugs.digests()[DIGEST]
        assert stored_bytes > 0

    def test_removes(self, slugs: SlugStore):
        """A removed layer is gone, and removing it again does nothing."""
        slugs.add(io.BytesIO(PLAIN), "source")
        slugs.remove(DIGEST)
        slugs.remove(DIGEST)

        assert not slugs.has(DIGEST)
        assert slugs.digests() == {}

    def test_an_absent_layer_is_not_found(self, slugs: SlugStore):
        """Opening or touching a layer that is not kept raises NotFound."""
        with pytest.raises(NotFound), slugs.open(ABSENT):
            pass
        with pytest.raises(NotFound):
            slugs.touch(ABSENT)
