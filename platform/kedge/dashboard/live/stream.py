"""One open page's stream: server-sent events with what its reader has not seen.

An event's id is what the reader has after it, so that a browser which connects again goes on there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

from kedge.dashboard.live.hub import Hub, Reader, Watch
from kedge.errors import KedgeError
from kedge.places import has_left

RETRY = b"retry: 2000\n\n"
BEAT_SECONDS = 15.0
LOOK_SECONDS = 2.0
OVER = b"event: over\ndata: {}\n\n"


class Tail(Protocol):
    """What a reader follows alone: a log by their own filters."""

    poll_seconds: float

    def since(self, mark: str) -> tuple[Any, str]:
        """What came after the mark (None for nothing), and the next mark."""


class Stream:
    """One reader of some watches and tails, each under a name."""

    def __init__(
        self,
        hub: Hub,
        reader: Reader,
        watches: Mapping[str, Watch],
        tails: Mapping[str, Tail],
        marks: Mapping[str, str],
        token: Callable[[], str],
    ) -> None:
        self._hub, self._reader, self._token = hub, reader, token
        self._watches, self._tails = dict(watches), dict(tails)
        self._marks = {name: marks.get(name, "") for name in (*watches, *tails)}

    def events(
        self, environ: dict[str, Any], still_welcome: Callable[[], None]
    ) -> Generator[bytes, None, None]:
        """Events until the reader has gone, or `still_welcome` raises a KedgeError below 500."""
        with self._hub.watching(self._reader, list(self._watches.values())) as watches:
            joined = dict(zip(self._watches, watches, strict=True))
            yield RETRY
            beat_at = time.monotonic()
            while not has_left(environ):
                self._reader.changed.clear()
                if self._is_over(watches):
                    yield OVER
                    return
                if told := self._news(joined):
                    yield self._event(told)
                if time.monotonic() - beat_at >= BEAT_SECONDS:
                    beat_at = time.monotonic()
                    if not _welcome(still_welcome):
                        yield OVER
                        return
                    yield b": \n\n"
                self._reader.changed.wait(self._pause_seconds)

    def _is_over(self, watches: list[Watch]) -> bool:
        return self._reader.is_dismissed or any(watch.is_over for watch in watches)

    def _news(self, watches: Mapping[str, Watch]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, watch in watches.items():
            if watch.read_at < self._reader.joined_at:
                continue
            news, self._marks[name] = watch.since(self._marks[name], self._token())
            told |= {name: news} if news is not None else {}
        for name, tail in self._tails.items():
            news, self._marks[name] = tail.since(self._marks[name])
            told |= {name: news} if news is not None else {}
        return told

    def _event(self, told: dict[str, Any]) -> bytes:
        marks = json.dumps(self._marks, separators=(",", ":"))
        return f"id: {marks}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()

    @property
    def _pause_seconds(self) -> float:
        return min([LOOK_SECONDS, *(tail.poll_seconds for tail in self._tails.values())])


def marks_of(last_event_id: str | None) -> dict[str, str]:
    """What a reader who connects again has; nothing where that cannot be read."""
    try:
        marks = json.loads(last_event_id or "{}")
    except ValueError:
        return {}
    if not isinstance(marks, dict):
        return {}
    return {name: mark for name, mark in marks.items() if isinstance(mark, str)}


def _welcome(still_welcome: Callable[[], None]) -> bool:
    try:
        still_welcome()
    except KedgeError as error:
        return error.status >= 500  # the database may be back by the next time
    return True
