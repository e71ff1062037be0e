"""Wakes and the queue in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from kedge.engine.protocols import ANY_TOPIC
from kedge.errors import QueueDown


class FakeWakes:
    """`Wakes` within one process; `woken` are all topics ever woken."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self._count: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._listeners: list[Callable[[str], None]] = []

    def wake(self, topic: str) -> None:
        """Wake whoever waits for the topic."""
        with self._changed:
            self.woken.append(topic)
            self._count[topic] += 1
            self._changed.notify_all()
        for listener in self._listeners:
            listener(topic)

    def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a wake of the topic; False when the time passed."""
        with self._changed:
            before = self._count[topic]
            return self._changed.wait_for(lambda: self._count[topic] > before, seconds)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call the listener with every topic that is woken, and once at the start with any."""
        self._listeners.append(listener)
        listener(ANY_TOPIC)


class FakeQueue:
    """A `Queue` that remembers the builds it was given; `down` makes it raise QueueDown."""

    def __init__(self) -> None:
        self.down = False
        self.builds: list[UUID] = []
        self.forgotten: list[UUID] = []

    def build(self, build_id: UUID) -> None:
        """Remember a build to run."""
        self._check()
        self.builds.append(build_id)

    def forget_cache(self, app_id: UUID) -> None:
        """Remember an app whose build cache is to be dropped."""
        self._check()
        self.forgotten.append(app_id)

    def _check(self) -> None:
        if self.down:
            raise QueueDown("The fake queue is down.")
