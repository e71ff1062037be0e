"""The body of a git request on its way into git."""

from __future__ import annotations

import gzip
import io
import os

import pytest

from kedge.errors import BadRequest
from kedge.git.http import Asked, _feed

MEGABYTE = 1024 * 1024


class Sink:
    """Takes what git would take; remembers its size and the largest piece."""

    def __init__(self):
        self.size = self.largest = 0
        self.is_closed = False

    def write(self, piece):
        self.size += len(piece)
        self.largest = max(self.largest, len(piece))

    def close(self):
        self.is_closed = True


def fed(body, *, is_compressed=True):
    """What comes out at the end of git's pipe."""
    sink = Sink()
    _feed(Asked(io.BytesIO(body), is_compressed, {}), sink)
    return sink


def test_a_bomb_is_inflated_piece_by_piece():
    """A block that holds a thousand times its size takes no more memory than any other."""
    sink = fed(gzip.compress(bytes(200 * MEGABYTE)))
    assert (sink.size, sink.is_closed) == (200 * MEGABYTE, True)
    assert sink.largest <= 65536


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 3 * MEGABYTE + 7])
def test_a_body_comes_out_whole(size):
    """Compressed or not, whatever its length."""
    body = os.urandom(size // 2) + bytes(size - size // 2)
    assert fed(body, is_compressed=False).size == size
    assert fed(gzip.compress(body)).size == size


def test_what_is_no_gzip_is_refused():
    """A body that is not what its header says is the client's mistake."""
    with pytest.raises(BadRequest, match="not the gzip"):
        fed(b"hello")
