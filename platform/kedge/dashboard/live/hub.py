"""The hub: hears what changed, has what is watched made anew once, and tells who watches.

A wake makes a watch due after a moment, so that many changes make it anew once. As wakes may be
lost, each is also due by the clock. What nobody watches is forgotten.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import structlog

from kedge.engine.protocols import ANY_TOPIC, Wakes
from kedge.errors import KedgeError

log = structlog.get_logger()
GATHER_SECONDS = 0.03
CLOCK_SECONDS = 20.0
AGAIN_SECONDS = 1.0
MAKERS = 3


class Reader:
    """Somebody with an open stream. `account` is who they are; `changed` is set to wake them.

    Their page is older than `joined_at` (seconds, monotonic) and may be newer than what others
    were told last, so they are told only what was read since.
    """

    def __init__(self, account: Any = None) -> None:
        self.account = account
        self.joined_at = time.monotonic()
        self.changed = threading.Event()
        self.is_dismissed = False


class Watch(ABC):
    """Something that many may watch, made once for all of them."""

    def __init__(
        self, key: Hashable, rest_seconds: float = 0.2, pause_seconds: float | None = None
    ) -> None:
        """`rest_seconds` pass at least before a wake makes it anew.

        Without any it is made anew after `pause_seconds`; None for the hub's own.
        """
        self.key, self.rest_seconds, self.pause_seconds = key, rest_seconds, pause_seconds
        self.readers: set[Reader] = set()
        # When what it shows began to be read, in monotonic seconds.
        self.read_at = 0.0
        # Over: whatever it showed is gone or forbidden, and its readers must ask anew.
        self.is_over = False

    @abstractmethod
    def hears(self, topic: str) -> bool:
        """Whether a wake of this topic may change it."""

    @abstractmethod
    def make(self) -> bool:
        """Make it anew; whether anything changed. A KedgeError with status below 500 ends it."""

    @abstractmethod
    def since(self, mark: str, token: str) -> tuple[Any, str]:
        """What came after a reader's mark (None for nothing), and their next mark."""


class Hub:
    """All that is watched in this process."""

    def __init__(self, wakes: Wakes) -> None:
        self._wakes = wakes
        self._watches: dict[Hashable, Watch] = {}
        self._due: dict[Hashable, float] = {}
        self._made_at: dict[Hashable, float] = {}
        self._busy: set[Hashable] = set()
        self._condition = threading.Condition()
        self._makers: ThreadPoolExecutor | None = None

    @contextmanager
    def watching(self, reader: Reader, wanted: Sequence[Watch]) -> Iterator[list[Watch]]:
        """Watch these for as long as the block lasts; of each the one others watch, if any do."""
        watches = [self._join(reader, made) for made in wanted]
        try:
            yield watches
        finally:
            with self._condition:
                for watch in watches:
                    self._part(reader, watch)

    def dismiss(self, is_meant: Callable[[Reader], bool]) -> None:
        """End the streams of these readers at once: their session is over."""
        with self._condition:
            readers = {each for watch in self._watches.values() for each in watch.readers}
        for reader in filter(is_meant, readers):
            reader.is_dismissed = True
            reader.changed.set()

    def _join(self, reader: Reader, made: Watch) -> Watch:
        with self._condition:
            watch = self._watches.setdefault(made.key, made)
            watch.readers.add(reader)
            self._plan(watch.key, 0.0)
        self._begin()
        return watch

    def _part(self, reader: Reader, watch: Watch) -> None:
        watch.readers.discard(reader)
        if not watch.readers:
            self._forget(watch)

    def _forget(self, watch: Watch) -> None:
        if self._watches.get(watch.key) is watch:
            del self._watches[watch.key]
            self._due.pop(watch.key, None)
            self._made_at.pop(watch.key, None)

    def _begin(self) -> None:
        with self._condition:
            if self._makers is not None:
                return
            self._makers = ThreadPoolExecutor(MAKERS, "live-maker")
        threading.Thread(target=self._run, name="live-hub", daemon=True).start()
        self._wakes.subscribe(self._woken)

    def _woken(self, topic: str) -> None:
        with self._condition:
            for watch in self._watches.values():
                if topic == ANY_TOPIC or watch.hears(topic):
                    rested = self._made_at.get(watch.key, 0.0) + watch.rest_seconds
                    self._plan(watch.key, max(time.monotonic() + GATHER_SECONDS, rested))

    def _plan(self, key: Hashable, at: float) -> None:
        self._due[key] = min(at, self._due.get(key, at))
        self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                for watch in self._take_due():
                    self._busy.add(watch.key)
                    if self._makers:
                        self._makers.submit(self._make, watch)
                at = self._next_at()
                self._condition.wait(None if at is None else max(0.0, at - time.monotonic()))

    def _take_due(self) -> list[Watch]:
        """What has waited longest, as many as can be made now.

        The others stay due: what changes once more before its turn is still made only once.
        """
        now = time.monotonic()
        due = [key for key, at in self._due.items() if at <= now and key not in self._busy]
        due = sorted(due, key=self._due.__getitem__)[: MAKERS - len(self._busy)]
        for key in due:
            del self._due[key]
        return [self._watches[key] for key in due if key in self._watches]

    def _next_at(self) -> float | None:
        """When something will be due that can be made then; None before one is settled."""
        if len(self._busy) >= MAKERS:
            return None
        return min((at for key, at in self._due.items() if key not in self._busy), default=None)

    def _make(self, watch: Watch) -> None:
        pause = watch.pause_seconds or CLOCK_SECONDS
        read_at, read_before_at = time.monotonic(), watch.read_at
        try:
            has_changed = watch.make()
            watch.read_at = read_at
        except KedgeError as error:
            watch.is_over = has_changed = error.status < 500
            pause = AGAIN_SECONDS
            if not watch.is_over:
                log.warning("live.waiting", reason=error.message)
        except Exception:  # a bug in one page must not end what others watch
            log.exception("live.failed", watch=str(watch.key))
            has_changed = False
        self._settle(watch, pause, 0.0 if has_changed else read_before_at)

    def _settle(self, watch: Watch, pause: float, told_at: float) -> None:
        """Plan its next making, and wake who joined since `told_at`."""
        with self._condition:
            self._busy.discard(watch.key)
            if watch.is_over:
                self._forget(watch)
            elif self._watches.get(watch.key) is watch:
                self._made_at[watch.key] = now = time.monotonic()
                self._plan(watch.key, now + pause)
            self._condition.notify()
            readers = [each for each in watch.readers if each.joined_at > told_at]
        for reader in readers:
            reader.changed.set()
