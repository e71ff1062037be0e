"""One supervisor at a time: leadership is an advisory lock in PostgreSQL.

The lock lives in a connection. When that breaks (PostgreSQL restarted, or the network to it),
leadership is lost at once and won again as soon as the lock can be had.
"""

from __future__ import annotations

import threading

import structlog

from kedge.db import Database
from kedge.errors import KedgeError

log = structlog.get_logger()
LOCK = "the dynos' supervisor"
CHECK_SECONDS = 1.0


class Leadership:
    """Whether this process is the leader; a thread of its own sees to that.

    `term` counts the times it has won: what was known in an earlier one may be outdated.
    """

    def __init__(self, database: Database, stopping: threading.Event) -> None:
        self._database, self._stopping = database, stopping
        self.won = threading.Event()
        self.term = 0

    def start(self) -> None:
        """Begin to strive for leadership."""
        threading.Thread(target=self._run, name="leadership", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hold()
            except KedgeError as error:
                log.warning("leadership.waiting", reason=error.message)
            except Exception:  # whatever went wrong, this process must go on striving
                log.exception("leadership.failed")
            self.won.clear()
            self._stopping.wait(CHECK_SECONDS)

    def _hold(self) -> None:
        with self._database.advisory_lock(LOCK, wait=False) as lock:
            if not lock.held:
                return
            self.term += 1
            log.info("leadership.won", term=self.term)
            self.won.set()
            while lock.is_alive() and not self._stopping.wait(CHECK_SECONDS):
                pass
            self.won.clear()
            log.info("leadership.ended", stopping=self._stopping.is_set())
