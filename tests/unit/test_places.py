"""Places: how many may be at something at the same time."""

from __future__ import annotations

import pytest

from kedge.errors import Unavailable
from kedge.places import Places


def counting(ended):
    """A stream of two pieces that says when it has ended."""
    try:
        yield b"one"
        yield b"two"
    finally:
        ended.append(True)


def test_who_comes_when_all_places_are_taken_is_turned_away_in_words():
    """The words tell how many there are, and that it is worth coming again."""
    places = Places(2, "log tails")
    with places.taken(), places.taken():
        with pytest.raises(Unavailable, match="serves 2 log tails already"):
            places.check()
        with pytest.raises(Unavailable), places.taken():
            pass
    with places.taken():
        places.check()


@pytest.mark.parametrize("pieces", [0, 1, 2, 3])
def test_a_stream_holds_its_place_until_it_is_over(pieces):
    """Read to its end, closed in the middle or before it began, and closed twice: once free."""
    places, ended = Places(1, "log tails"), []
    stream = places.held(counting(ended))
    with pytest.raises(Unavailable):
        places.held(counting([]))
    for _ in range(pieces):
        next(stream, None)
    stream.close()
    stream.close()
    with places.taken(), pytest.raises(Unavailable):
        places.check()
    assert bool(ended) == (pieces > 0)


def test_a_stream_that_breaks_gives_its_place_back():
    """Also when what it is made of raises."""
    places = Places(1, "log tails")

    def breaking():
        yield b"one"
        raise ConnectionError

    stream = places.held(breaking())
    with pytest.raises(ConnectionError):
        list(stream)
    places.check()
