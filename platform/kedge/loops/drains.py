"""Sends apps' logs on to the drains of their add-ons, each line at least once, in order.

How far each drain has got is written down in the home, so that a restart loses nothing. A drain
that does not answer is tried again with growing pauses and goes on where it was; what the log has
dropped meanwhile is counted, by the line the log itself puts in its place.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog

from kedge.engine.protocols import LogFilter, LogLine, LogSender
from kedge.errors import KedgeError
from kedge.ops import addon_drains
from kedge.ops.addon_drains import Drain
from kedge.ops.services import Services

log = structlog.get_logger()
EVERYTHING = LogFilter()
MOST_LINES = 500  # in a request
AT_ONCE = 4
LONGEST_REST_SECONDS = 60.0


@dataclass(slots=True)
class Progress:
    """How far a drain has got, and when it is tried again after so many failures."""

    cursor: str
    failures: int = 0
    try_at: float = 0.0
    is_busy: bool = False


class Drains:
    """`look` begins to send what there is, and does not wait for slow drains."""

    def __init__(self, services: Services, sender: LogSender, register: Path) -> None:
        self._services, self._sender, self._register = services, sender, register
        self._lock = threading.Lock()
        self._known = {name: Progress(cursor) for name, cursor in _read(register).items()}
        self._pool = ThreadPoolExecutor(AT_ONCE, "drain")

    def look(self) -> None:
        """Send each drain what it does not have yet, unless it is at it or rests."""
        drains = addon_drains.list_all(self._services)
        self._forget_all_but({str(drain.id) for drain in drains})
        for drain in drains:
            progress = self._known.get(str(drain.id)) or self._begun(drain)
            if not progress.is_busy and time.monotonic() >= progress.try_at:
                progress.is_busy = True
                self._pool.submit(self._send, drain, progress)

    def _begun(self, drain: Drain) -> Progress:
        """A new drain has the lines from now on."""
        _, cursor = self._services.logs.tail(drain.app_id, 0, EVERYTHING)
        progress = Progress(cursor)
        with self._lock:
            self._known[str(drain.id)] = progress
            self._write()
        return progress

    def _send(self, drain: Drain, progress: Progress) -> None:
        try:
            lines, cursor = self._services.logs.follow(drain.app_id, progress.cursor, EVERYTHING)
            for batch in _batches(lines):
                self._sender.send(drain.url, drain.token, batch)
            self._keep(progress, cursor)
        except KedgeError as error:
            self._rest(drain, progress, error.message)
        except Exception:  # one drain's trouble must not end it for good; it is tried again
            log.exception("drain.failed", addon=drain.addon.name)
            self._rest(drain, progress, "it failed")
        finally:
            progress.is_busy = False

    def _keep(self, progress: Progress, cursor: str) -> None:
        progress.failures = 0
        if cursor != progress.cursor:
            progress.cursor = cursor
            with self._lock:
                self._write()

    def _rest(self, drain: Drain, progress: Progress, reason: str) -> None:
        progress.failures += 1
        seconds = min(2.0 ** min(progress.failures, 10), LONGEST_REST_SECONDS)
        progress.try_at = time.monotonic() + seconds
        if progress.failures == 1:
            log.warning("drain.waiting", addon=drain.addon.name, place=drain.place, reason=reason)

    def _forget_all_but(self, names: set[str]) -> None:
        with self._lock:
            gone = self._known.keys() - names
            for name in gone:
                del self._known[name]
            if gone:
                self._write()

    def _write(self) -> None:
        """Write all cursors down, whole or not at all."""
        draft = self._register.with_name(f".{self._register.name}.new")
        draft.write_text(json.dumps({name: each.cursor for name, each in self._known.items()}))
        draft.replace(self._register)


def _batches(lines: Sequence[LogLine]) -> Iterator[Sequence[LogLine]]:
    for begin in range(0, len(lines), MOST_LINES):
        yield lines[begin : begin + MOST_LINES]


def _read(register: Path) -> dict[str, str]:
    """The cursors that were written down; none where the file is missing or damaged."""
    try:
        found = json.loads(register.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(cursor) for name, cursor in found.items()}
