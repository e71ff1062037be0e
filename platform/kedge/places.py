"""A bounded number of places for what lasts: pushes, and answers that go on as long as one listens.

Each takes one of the server's threads. Without a bound, those who wait would keep out those who ask
something short.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from kedge.errors import Unavailable


class Places:
    """Places for `count` of something at the same time. `what` names it: "log tails"."""

    def __init__(self, count: int, what: str) -> None:
        self.count, self._what = count, what
        self._taken, self._lock = 0, threading.Lock()

    def check(self) -> None:
        """Raises Unavailable when no place is free now."""
        if self._taken >= self.count:
            raise Unavailable(
                f"Kedge serves {self.count} {self._what} already, the most at the same time. "
                "Try again in a moment."
            )

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A place for as long as the block lasts. Raises as `check`."""
        self._take()
        try:
            yield
        finally:
            self._leave()

    def held(self, stream: Generator[bytes, None, None]) -> Stream:
        """The stream, with a place from now on until it ends or is closed. Raises as `check`."""
        self._take()
        return Stream(stream, self._leave)

    def _take(self) -> None:
        with self._lock:
            self.check()
            self._taken += 1

    def _leave(self) -> None:
        with self._lock:
            self._taken -= 1


class Stream:
    """A stream that does something once when it has ended, also when it never began."""

    def __init__(self, stream: Generator[bytes, None, None], at_end: Callable[[], None]) -> None:
        self._stream, self._at_end = stream, at_end
        self._has_ended = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._stream)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the stream, as WSGI servers do when the client has gone."""
        if self._has_ended:
            return
        self._has_ended = True
        try:
            self._stream.close()
        finally:
            self._at_end()


def has_left(environ: dict[str, Any]) -> bool:
    """Whether the client of an answer that lasts closed its connection, asked in a silence.

    Without it, a silent stream would keep its place for somebody who is gone. Under a server that
    does not show its socket the answer is no.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
