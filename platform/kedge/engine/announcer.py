"""Tells of changes in the background: whoever made one waits for nobody who looks on.

Many changes of one app in a moment are told once. What cannot be told, because Redis is away, is
lost: whoever looks on also looks by the clock.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable

REST_SECONDS = 0.05


class Announcer:
    """Calls `tell` with the id of each app of which something changed, from a thread of its own."""

    def __init__(self, tell: Callable[[uuid.UUID], None]) -> None:
        self._tell = tell
        self._changed: set[uuid.UUID] = set()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def note(self, app_ids: Iterable[uuid.UUID]) -> None:
        """These apps changed. Returns at once."""
        with self._condition:
            self._changed.update(app_ids)
            self._condition.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._changed)
                changed, self._changed = self._changed, set()
            for app_id in changed:
                self._tell(app_id)
            time.sleep(REST_SECONDS)
