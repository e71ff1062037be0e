"""The worker: takes up what is due, a few at a time, and lets services act by the clock.

It holds no state. Any number of processes may run one: who does what is decided by claims.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from kedge_addons.errors import Busy, ProviderError
from kedge_addons.lifecycle import Lifecycle
from kedge_addons.resource import State
from kedge_addons.served import ServerService

log = logging.getLogger(__name__)
AT_ONCE = 4
LOOK_SECONDS = 2.0
TICK_SECONDS = 5.0


class Worker:
    """Threads of one process. `wake` says that there is something to do."""

    def __init__(self) -> None:
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE, "work")
        self._at: set[uuid.UUID] = set()
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Look now."""
        self._something.set()

    def start(self, lifecycle: Lifecycle) -> None:
        """Begin to work, in the background."""
        for work in (self._look_on, self._tick_on):
            threading.Thread(
                target=work, args=(lifecycle,), name=work.__name__, daemon=True
            ).start()

    def stop(self) -> None:
        """Begin nothing more; what runs is finished by the next worker if this process ends."""
        self._stopping.set()
        self._something.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look_on(self, lifecycle: Lifecycle) -> None:
        while not self._stopping.is_set():
            self._something.wait(LOOK_SECONDS)
            self._something.clear()
            try:
                for resource_id in lifecycle.tools.resources.due():
                    self._begin(lifecycle, resource_id)
            except ProviderError as error:  # the database is away; the next look may find it
                log.warning("nothing could be looked at: %s", error.message)

    def _begin(self, lifecycle: Lifecycle, resource_id: uuid.UUID) -> None:
        with self._lock:
            if resource_id in self._at or self._stopping.is_set():
                return
            self._at.add(resource_id)
        self._pool.submit(self._advance, lifecycle, resource_id)

    def _advance(self, lifecycle: Lifecycle, resource_id: uuid.UUID) -> None:
        try:
            lifecycle.advance(resource_id)
        except ProviderError as error:
            log.warning("%s: %s", resource_id, error.message)
        except Exception:  # the row still says what is to be done; this thread goes on
            log.exception("%s could not be advanced", resource_id)
        finally:
            with self._lock:
                self._at.discard(resource_id)

    def _tick_on(self, lifecycle: Lifecycle) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                with lifecycle.tools.database.claim("tick"):
                    tick(lifecycle)
            except Busy:
                continue
            except ProviderError as error:
                log.warning("no tick: %s", error.message)


def tick(lifecycle: Lifecycle) -> None:
    """What is done by the clock: servers that do not run are found, services have their turn."""
    _look_after_servers(lifecycle)
    for name, service in lifecycle.services.items():
        began = time.monotonic()
        try:
            service.tick()
        except ProviderError as error:
            log.warning("%s: %s", name, error.message)
        except Exception:  # one service's defect must not keep the others from their turn
            log.exception("the tick of %s failed", name)
        if time.monotonic() - began > TICK_SECONDS:
            log.warning("the tick of %s took %.0f s", name, time.monotonic() - began)


def _look_after_servers(lifecycle: Lifecycle) -> None:
    servers = [name for name, each in lifecycle.services.items() if isinstance(each, ServerService)]
    ready = [each for name in servers for each in lifecycle.tools.resources.all(name, State.READY)]
    if ready:
        running = lifecycle.tools.instances.running()
        missing = [each.id for each in ready if each.id not in running]
        if missing:
            lifecycle.tools.resources.look_soon(*missing)
            lifecycle.wake()
