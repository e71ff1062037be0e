"""Changes told in the background."""

from __future__ import annotations

import threading
import uuid

from kedge.engine.announcer import Announcer


def test_changes_of_a_moment_are_told_once_and_hold_up_nobody():
    """While one is told, others may be noted; each app is told again when it changed meanwhile."""
    app_id, may_go_on, told = uuid.uuid4(), threading.Event(), []
    twice = threading.Semaphore(0)

    def tell(changed: uuid.UUID) -> None:
        told.append(changed)
        twice.release()
        may_go_on.wait(10)

    announcer = Announcer(tell)
    announcer.note([app_id])
    assert twice.acquire(timeout=10)
    for _ in range(50):
        announcer.note([app_id])
    may_go_on.set()
    assert twice.acquire(timeout=10)
    assert told == [app_id, app_id]
