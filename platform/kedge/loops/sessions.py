"""Which attached one-off dynos have a client in this process."""

from __future__ import annotations

import threading
import time
import uuid

# A dyno whose streams have ended is seen as ended a moment later; until then its client is not
# taken for lost.
GRACE_SECONDS = 10.0


class Sessions:
    """Dynos whose client is with this process; safe for several threads."""

    def __init__(self) -> None:
        self._ended_at: dict[uuid.UUID, float | None] = {}
        self._lock = threading.Lock()

    def begin(self, dyno_id: uuid.UUID) -> None:
        """A client has shown the dyno's secret."""
        with self._lock:
            self._ended_at[dyno_id] = None

    def end(self, dyno_id: uuid.UUID) -> None:
        """The client has gone, or got all there was."""
        with self._lock:
            if dyno_id in self._ended_at:
                self._ended_at[dyno_id] = time.monotonic()

    def has(self, dyno_id: uuid.UUID) -> bool:
        """Whether the dyno has a client, or had one a moment ago."""
        with self._lock:
            ended_at = self._ended_at.get(dyno_id, 0.0)
            return ended_at is None or (
                ended_at > 0.0 and time.monotonic() - ended_at < GRACE_SECONDS
            )

    def forget(self, dyno_id: uuid.UUID) -> None:
        """The dyno has ended."""
        with self._lock:
            self._ended_at.pop(dyno_id, None)
