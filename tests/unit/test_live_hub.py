"""The hub of live pages: made once, told to all, forgotten when nobody looks."""

from __future__ import annotations

import threading
import time

import pytest

from kedge.dashboard.live import hub as hubs
from kedge.dashboard.live.hub import Hub, Reader, Watch
from kedge.dashboard.live.stream import Stream
from kedge.engine.fakes.signals import FakeWakes
from kedge.errors import DatabaseDown, NotFound


class Counted(Watch):
    """Something that counts how often it is made."""

    def __init__(self, key="a"):
        super().__init__(key, rest_seconds=0.01)
        self.made, self.error = 0, None
        self.gate = threading.Event()
        self.gate.set()

    def hears(self, topic):
        return topic == f"seen:{self.key}"

    def make(self):
        self.gate.wait(10)
        self.made += 1
        if self.error:
            raise self.error
        return True

    def since(self, mark, token):
        return (None, mark) if mark == str(self.made) else (self.made, str(self.made))


@pytest.fixture
def wakes():
    return FakeWakes()


@pytest.fixture
def hub(wakes):
    return Hub(wakes)


def until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def settled(hub):
    """Until nothing is made and nothing is due soon."""
    until(lambda: not hub._busy and all(at > time.monotonic() + 1 for at in hub._due.values()))


def test_many_readers_share_one(hub, wakes):
    """However many look at the same, it is made once for each change, and all are told."""
    readers = [Reader() for _ in range(50)]
    first = Counted()
    with hub.watching(readers[0], [first]) as watches:
        for reader in readers[1:]:
            hub._join(reader, Counted())
        assert watches == [first]
        settled(hub)
        before = first.made
        for reader in readers:
            reader.changed.clear()
        wakes.wake("seen:a")
        until(lambda: all(reader.changed.is_set() for reader in readers))
        settled(hub)
        assert first.made == before + 1


def test_what_nobody_looks_at_is_not_made(hub, wakes):
    """When the last reader has gone, wakes cost nothing."""
    watch = Counted()
    with hub.watching(Reader(), [watch]):
        until(lambda: watch.made)
    made = watch.made
    wakes.wake("seen:a")
    time.sleep(0.1)
    assert watch.made == made
    assert hub._watches == {}


def test_a_change_while_it_is_made_is_not_lost(hub, wakes):
    """It is made again afterwards, never twice at the same time."""
    watch = Counted()
    with hub.watching(Reader(), [watch]):
        settled(hub)
        watch.gate.clear()
        wakes.wake("seen:a")
        until(lambda: watch.key in hub._busy)
        before = watch.made
        for _ in range(5):
            wakes.wake("seen:a")
        watch.gate.set()
        until(lambda: watch.made > before)
        settled(hub)
        assert watch.made == before + 2


def test_a_lost_wake_is_made_good_by_the_clock(hub, monkeypatch):
    """Nobody has to be woken: every so often it is looked at anyway."""
    monkeypatch.setattr(hubs, "CLOCK_SECONDS", 0.05)
    watch = Counted()
    with hub.watching(Reader(), [watch]):
        until(lambda: watch.made >= 3)


def test_what_is_gone_ends_and_what_is_away_is_tried_again(hub, wakes, monkeypatch):
    """An app that was destroyed ends its pages; a database that is away does not."""
    monkeypatch.setattr(hubs, "AGAIN_SECONDS", 0.02)
    reader, watch = Reader(), Counted()
    with hub.watching(reader, [watch]):
        until(lambda: watch.made)
        watch.error = DatabaseDown()
        wakes.wake("seen:a")
        before = watch.made
        until(lambda: watch.made >= before + 2)
        assert not watch.is_over
        reader.changed.clear()
        watch.error = NotFound.of("app")
        until(lambda: watch.is_over)
        assert reader.changed.wait(10)
        other = Counted()
        with hub.watching(Reader(), [other]) as (joined,):
            assert joined is other
    assert hub._watches == {}


def test_a_bug_in_one_ends_no_other(hub, wakes):
    """What breaks is logged, and tried again with the next change."""
    broken, whole = Counted("a"), Counted("b")
    broken.error = RuntimeError("a bug")
    with hub.watching(Reader(), [broken, whole]):
        until(lambda: broken.made and whole.made)
        before = whole.made
        wakes.wake("seen:b")
        until(lambda: whole.made > before)


def test_who_joins_is_told_nothing_older_than_their_page(hub):
    """What others were told before one's page was made is read anew before it is told."""
    watch = Counted()
    with hub.watching(Reader(), [watch]):
        settled(hub)
        watch.gate.clear()
        late = Reader()
        with hub.watching(late, [Counted()]) as (joined,):
            assert joined is watch
            stream = Stream(hub, late, {"a": watch}, {}, {}, str)
            assert stream._news({"a": watch}) == {}
            watch.gate.set()
            assert late.changed.wait(10)
            assert stream._news({"a": watch}) == {"a": watch.made}


def test_who_joins_is_told_even_when_nothing_changed_since(hub, monkeypatch):
    """What changed between their page and their stream is news to them alone."""
    watch = Counted()
    with hub.watching(reader := Reader(), [watch]):
        settled(hub)
        monkeypatch.setattr(watch, "make", lambda: False)
        reader.changed.clear()
        with hub.watching(late := Reader(), [Counted()]):
            assert late.changed.wait(10)
            assert not reader.changed.is_set()


def test_what_changes_again_before_its_turn_is_made_once(hub, wakes):
    """With more to make than makers, many changes of one that waits are one making."""
    slow = [Counted(f"slow-{number}") for number in range(hubs.MAKERS)]
    waiting = Counted("b")
    with hub.watching(Reader(), [*slow, waiting]):
        settled(hub)
        for each in slow:
            each.gate.clear()
            wakes.wake(f"seen:{each.key}")
        until(lambda: len(hub._busy) == hubs.MAKERS)
        before = waiting.made
        for _ in range(5):
            wakes.wake("seen:b")
            time.sleep(0.02)
        assert waiting.made == before
        for each in slow:
            each.gate.set()
        until(lambda: waiting.made > before)
        settled(hub)
        assert waiting.made == before + 1
