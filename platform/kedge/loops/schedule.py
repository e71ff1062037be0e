"""Which app is looked at when: by one thread at a time, as soon as something happened to it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import uuid
from collections.abc import Callable

import structlog

log = structlog.get_logger()
THREADS = 8
RETRY_SECONDS = 1.0


class Schedule:
    """Calls `look(app_id)` whenever an app is due. It answers in how many seconds to look again.

    A wake during a look leads to another one right after it, so that no wake is lost.
    """

    def __init__(
        self, look: Callable[[uuid.UUID], float | None], *, threads: int = THREADS
    ) -> None:
        self._look = look
        self._threads = threads
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, uuid.UUID]] = []
        self._due: dict[uuid.UUID, float] = {}
        self._busy: set[uuid.UUID] = set()
        self._again: set[uuid.UUID] = set()
        self._order = itertools.count()
        self._stopping = False

    def start(self) -> None:
        """Begin."""
        for number in range(self._threads):
            threading.Thread(target=self._run, name=f"look-{number}", daemon=True).start()

    def stop(self) -> None:
        """Begin no further look."""
        with self._ready:
            self._stopping = True
            self._ready.notify_all()

    def wake(self, app_id: uuid.UUID, *, after_seconds: float = 0.0) -> None:
        """Look at an app (no later than) then."""
        with self._ready:
            if app_id in self._busy and after_seconds <= 0:
                self._again.add(app_id)
                return
            self._push(app_id, time.monotonic() + after_seconds)

    def _push(self, app_id: uuid.UUID, due: float) -> None:
        if due < self._due.get(app_id, float("inf")):
            self._due[app_id] = due
            heapq.heappush(self._heap, (due, next(self._order), app_id))
            self._ready.notify()

    def _run(self) -> None:
        while (app_id := self._take()) is not None:
            pause: float | None = RETRY_SECONDS
            try:
                pause = self._look(app_id)
            except Exception:  # one app's trouble must not end the supervisor; it is tried again
                log.exception("look.failed", app=str(app_id))
            self._give_back(app_id, pause)

    def _take(self) -> uuid.UUID | None:
        with self._ready:
            while not self._stopping:
                app_id = self._pop()
                if app_id is not None:
                    self._busy.add(app_id)
                    return app_id
                until = self._heap[0][0] - time.monotonic() if self._heap else None
                self._ready.wait(until)
        return None

    def _pop(self) -> uuid.UUID | None:
        """The first app that is due and not being looked at."""
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, _, app_id = heapq.heappop(self._heap)
            if self._due.get(app_id) != due:
                continue  # an earlier look has been scheduled meanwhile
            del self._due[app_id]
            if app_id in self._busy:
                self._again.add(app_id)
                continue
            return app_id
        return None

    def _give_back(self, app_id: uuid.UUID, pause: float | None) -> None:
        with self._ready:
            self._busy.discard(app_id)
            if app_id in self._again:
                self._again.discard(app_id)
                pause = 0.0
            if pause is not None:
                self._push(app_id, time.monotonic() + pause)
