"""When apps are looked at."""

from __future__ import annotations

import threading
import time
import uuid

from kedge.loops.schedule import Schedule

SOON = 5.0


class Looks:
    """Counts looks, and can hold one up."""

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        self.seen: list[uuid.UUID] = []
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.most_at_once = 0
        self._now: dict[uuid.UUID, int] = {}

    def __call__(self, app_id: uuid.UUID) -> float | None:
        with self.changed:
            self._now[app_id] = self._now.get(app_id, 0) + 1
            self.most_at_once = max(self.most_at_once, self._now[app_id])
        self.gate.wait(SOON)
        with self.changed:
            self._now[app_id] -= 1
            self.seen.append(app_id)
            self.changed.notify_all()
        return self.pause

    def reach(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.seen) >= count, SOON)


def started(looks) -> Schedule:
    schedule = Schedule(looks, threads=4)
    schedule.start()
    return schedule


def test_a_woken_app_is_looked_at():
    """A wake leads to a look."""
    looks, app = Looks(), uuid.uuid4()
    started(looks).wake(app)
    assert looks.reach(1)


def test_an_app_is_looked_at_by_one_thread_at_a_time():
    """However often it is woken, two looks at one app never overlap."""
    looks, app = Looks(), uuid.uuid4()
    schedule = started(looks)
    for _ in range(200):
        schedule.wake(app)
        time.sleep(0.0005)
    assert looks.reach(1)
    assert looks.most_at_once == 1


def test_a_wake_during_a_look_is_not_lost():
    """What happens while an app is looked at leads to another look."""
    looks, app = Looks(), uuid.uuid4()
    looks.gate.clear()
    schedule = started(looks)
    schedule.wake(app)
    while not looks.most_at_once:
        time.sleep(0.001)
    schedule.wake(app)
    looks.gate.set()
    assert looks.reach(2)


def test_a_look_says_when_the_next_is_due():
    """A pause leads to the next look by itself, without any wake."""
    looks = Looks(pause=0.01)
    started(looks).wake(uuid.uuid4())
    assert looks.reach(3)


def test_a_look_that_fails_is_tried_again(monkeypatch):
    """One app's trouble ends neither the schedule nor the tries."""
    monkeypatch.setattr("kedge.loops.schedule.RETRY_SECONDS", 0.01)
    looks, calls = Looks(), []

    def failing_once(app_id):
        calls.append(app_id)
        if len(calls) == 1:
            raise RuntimeError("the first look fails")
        return looks(app_id)

    started(failing_once).wake(uuid.uuid4())
    assert looks.reach(1)


def test_an_earlier_wake_goes_before_a_later_one():
    """An app due in an hour is looked at now when it is woken now."""
    looks, app = Looks(), uuid.uuid4()
    schedule = started(looks)
    schedule.wake(app, after_seconds=3600)
    schedule.wake(app)
    assert looks.reach(1)
