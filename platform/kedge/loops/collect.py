"""Collects what dynos write: one thread a dyno, from the engine's log into the app's.

Where to go on after a restart is read from the app's log itself, by the time of its newest line,
so that nothing is kept twice and nothing is lost while the supervisor is away.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator

import structlog

from kedge.engine.logs import safe_text
from kedge.engine.protocols import LogLine, OutputLine, Runtime
from kedge.errors import KedgeError
from kedge.loops.batch import in_batches
from kedge.model.dyno import Dyno
from kedge.ops import config_vars, outputs
from kedge.ops.services import Services
from kedge.scrub import Scrubber

log = structlog.get_logger()
FINISH_SECONDS = 2.0
RETRY_SECONDS = 1.0


class Collector:
    """Follows the output of dynos."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime
        self._threads: dict[uuid.UUID, threading.Thread] = {}
        self._lock = threading.Lock()

    def collect(self, dyno: Dyno, runtime_id: str) -> None:
        """Follow a dyno's output to its end; nothing happens when somebody does already."""
        with self._lock:
            known = self._threads.get(dyno.id)
            if known is not None and known.is_alive():
                return
            name = f"collect-{dyno.id.hex[:8]}"
            thread = threading.Thread(
                target=self._run, args=(dyno, runtime_id), name=name, daemon=True
            )
            self._threads[dyno.id] = thread
            thread.start()

    def finish(self, dyno: Dyno) -> None:
        """Wait (a little) until what an ended dyno wrote is kept.

        That of one which ended while nobody looked, its supervisor having been killed, is read now.
        """
        with self._lock:
            is_followed = dyno.id in self._threads
        if dyno.runtime_id and not is_followed and not dyno.attach:
            self.collect(dyno, dyno.runtime_id)
        with self._lock:
            thread = self._threads.pop(dyno.id, None)
        if thread is not None:
            thread.join(FINISH_SECONDS)
        elif dyno.kind == "release" and dyno.release.output_id:  # it never came to write anything
            outputs.finish(self._services, dyno.release.output_id)

    def _run(self, dyno: Dyno, runtime_id: str) -> None:
        for attempt in range(3):
            try:
                self._follow(dyno, runtime_id)
                break
            except KedgeError as error:
                log.warning("collect.interrupted", dyno=dyno.name, reason=error.message)
                time.sleep(RETRY_SECONDS * (attempt + 1))
        if dyno.kind == "release" and dyno.release.output_id:
            outputs.finish(self._services, dyno.release.output_id)

    def _follow(self, dyno: Dyno, runtime_id: str) -> None:
        since_ns, seen = self._cursor(dyno)
        lines = self._runtime.output(runtime_id, since_ns=since_ns, follow=True)
        if dyno.kind == "release":
            lines = self._into_output(dyno, lines)
        for batch in in_batches(_unseen(lines, since_ns, seen)):
            kept = [LogLine(line.at_ns, "app", dyno.name, line.text) for line in batch]
            self._services.logs.append(dyno.app_id, kept)

    def _cursor(self, dyno: Dyno) -> tuple[int, set[str]]:
        """From when to read, and the lines of that very moment that are kept already."""
        at_ns, texts = self._services.logs.last_at_ns(dyno.app_id, dyno.name)
        began_ns = int(dyno.created_at.timestamp() * 1e9)
        return (at_ns, set(texts)) if at_ns > began_ns else (began_ns, set())

    def _into_output(self, dyno: Dyno, lines: Iterator[OutputLine]) -> Iterator[OutputLine]:
        """The release command's lines, scrubbed, on their way also into the release's output."""
        scrubber = Scrubber(config_vars.unseal(self._services, dyno.release.config))
        for line in lines:
            clean = scrubber.feed(line.text.encode() + b"\n") + scrubber.flush()
            if dyno.release.output_id:
                outputs.write(self._services, dyno.release.output_id, clean)
            yield OutputLine(line.at_ns, clean.decode("utf-8", "replace").rstrip("\n"))


def _unseen(lines: Iterator[OutputLine], since_ns: int, seen: set[str]) -> Iterator[OutputLine]:
    for line in lines:
        if line.at_ns != since_ns or safe_text(line.text) not in seen:
            yield line
