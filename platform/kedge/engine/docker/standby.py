"""The build container that waits: started ahead, for the app that was built last.

Starting a container takes longer than most builds. So after a build the next one's container is
started at once, and its runner, loaded, reads from a pipe: it costs some memory and no processor
time. It builds once, like any other. When this process lets go of it, or dies, it ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from kedge.engine.docker.buildtalk import Talk

# Who pushes again does so within minutes; afterwards the memory is better used otherwise.
STANDBY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a build's container has to be like.

    `request` is what the engine is asked for; `ground` what its names stood for at that time.
    """

    app_id: UUID
    app_name: str
    request: Mapping[str, Any]
    ground: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A build container whose runner waits for its order."""

    runtime_id: str
    talk: Talk
    wanted: Wanted
    at: float = field(default_factory=time.monotonic)

    def fits(self, wanted: Wanted) -> bool:
        """Whether it is as it has to be, and still there."""
        return self.wanted == wanted and self.talk.is_silent()


class Standby:
    """One place for one container; safe for several threads. `end` removes a container."""

    def __init__(self, end: Callable[[Started], None]) -> None:
        self._end = end
        self._waiting: Started | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def put(self, started: Started) -> None:
        """Have a container wait, in the place of the one that did."""
        with self._lock:
            leaving, self._waiting = self._waiting, started
            if self._is_closed:
                leaving, self._waiting = started, None
        if leaving is not None:
            self._end(leaving)

    def close(self) -> None:
        """End the one that waits, and any that comes later."""
        self._is_closed = True
        self.drop()

    def has(self, wanted: Wanted) -> bool:
        """Whether one like that waits already."""
        with self._lock:
            return self._waiting is not None and self._waiting.fits(wanted)

    def take(self, wanted: Wanted) -> Started | None:
        """The container that waits for the app, when it is as it has to be."""
        found = self._taken(lambda waiting: waiting.wanted.app_id == wanted.app_id)
        if found is None or found.fits(wanted):
            return found
        self._end(found)
        return None

    def drop(self, app_id: UUID | None = None, *, older_than: float = 0.0) -> None:
        """End the container that waits; only that of an app, or one that does so for too long."""
        before = time.monotonic() - older_than
        found = self._taken(
            lambda waiting: waiting.at <= before and app_id in {None, waiting.wanted.app_id}
        )
        if found is not None:
            self._end(found)

    def _taken(self, is_meant: Callable[[Started], bool]) -> Started | None:
        with self._lock:
            found = self._waiting
            if found is None or not is_meant(found):
                return None
            self._waiting = None
            return found
