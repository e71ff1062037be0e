"""The heart of a running build: it keeps the build's lease, and hears when to stop."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from kedge.errors import BuildCancelled, Unavailable
from kedge.model.build import Build
from kedge.ops.services import Services

log = structlog.get_logger()
LEASE = timedelta(seconds=15)
BEAT_SECONDS = 2.0


class Heart:
    """Keeps a build's lease while it runs, and learns when to stop."""

    def __init__(self, services: Services, build_id: uuid.UUID) -> None:
        self._services, self._build_id = services, build_id
        self._stop = False

    def is_cancelled(self) -> bool:
        """Whether to end the build."""
        return self._stop

    def check(self) -> None:
        """Raises BuildCancelled when the build may not go on."""
        if self.is_cancelled():
            raise BuildCancelled("The build was cancelled.")

    def beat(self) -> None:
        """Prolong the lease, unless the build was cancelled, or nobody waits for it any more."""
        now = self._services.now()
        try:
            with self._services.database.transaction() as tx:
                if tx.get(Build, self._build_id) is None:  # its app was destroyed
                    self._stop = True
                    return
                build = tx.lock(Build, self._build_id)
                if build.status != "pending":
                    self._stop = True
                    return
                build.lease_until = now + LEASE
                left = build.attended_until is not None and build.attended_until < now
                self._stop = left or build.cancel_requested_at is not None
        except Unavailable as error:  # the database may be back before the lease runs out
            log.warning("build.heart_waits", build=str(self._build_id), reason=error.message)


@contextmanager
def beating(services: Services, build_id: uuid.UUID) -> Iterator[Heart]:
    """A heart that beats by itself: fetching a source or storing a slug may take minutes too."""
    heart = Heart(services, build_id)
    over = threading.Event()

    def run() -> None:
        while not over.wait(BEAT_SECONDS):
            heart.beat()

    thread = threading.Thread(target=run, name=f"heart-{build_id.hex[:8]}", daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        over.set()
        thread.join()
