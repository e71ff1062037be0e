"""Log lines, and where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an app's log: `<at> <source>[<process>]: <text>` in Heroku's form.

    `source` is `app` (the app's own output, and `app[api]` events) or `heroku` (the platform:
    router and dyno states); `process` is `web.1`, `release.7`, `api`, `build`, `router`, …
    """

    at_ns: int
    source: Literal["app", "heroku"]
    process: str
    text: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines to show: a source, and a process by its name (`web.1`) or its type (`web`)."""

    source: str | None = None
    process: str | None = None


class LogSender(Protocol):
    """Sends log lines on to a drain, which is somebody else's server.

    Raises:
        ProviderAway: it did not take them; asking again may help.
    """

    def send(self, url: str, token: str, lines: Sequence[LogLine]) -> None:
        """Hand lines over, all of them. `token` is what the drain knows the app by."""


class LogStore(Protocol):
    """One log an app, kept by app (not by container), bounded by bytes. Any process may write."""

    def append(self, app_id: UUID, lines: Sequence[LogLine]) -> None:
        """Keep lines, all or none. Order of time is restored when read."""

    def tail(self, app_id: UUID, lines: int, only: LogFilter) -> tuple[list[LogLine], str]:
        """The newest matching lines, oldest first, and a cursor to follow from."""

    def follow(self, app_id: UUID, cursor: str, only: LogFilter) -> tuple[list[LogLine], str]:
        """Matching lines after the cursor, in the order of their time, and the next cursor.

        Never blocks. A cursor whose lines were dropped goes on with the oldest kept, behind a line
        that says how many bytes were lost.
        """

    def last_at_ns(self, app_id: UUID, process: str) -> tuple[int, tuple[str, ...]]:
        """When the newest line of a process was written, and the texts of that very moment."""

    def since(self, app_id: UUID, process: str, at_ns: int) -> list[LogLine]:
        """The lines a process itself wrote from a moment on, in the order they were kept."""

    def holding(self, app_id: UUID, words: str, only: LogFilter, since_ns: int) -> list[LogLine]:
        """Matching lines with these words since a moment, among the newest of the log."""

    def forget(self, app_id: UUID) -> None:
        """Drop an app's log."""
