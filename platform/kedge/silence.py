"""Connections that notice a server which keeps its sockets open and says nothing.

A frozen PostgreSQL (its machine paused, its disk hung) ends no connection, and over a unix socket
nothing ever times out. But a long silence may as well be a long statement, or a wait for a lock. So
whoever has waited for a while asks the server for a sign of life, by a connection of its own: with
one, waiting goes on; without, the connection is given up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from traceback import clear_frames
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Engine, event

log = structlog.get_logger()
SILENCE_SECONDS = 3.0
PULSE_SECONDS = 4  # psycopg takes whole seconds, two at least
REST_SECONDS = 2.0

R = TypeVar("R")


class Pulse:
    """Whether a server shows any sign of life; one asks for all who want to know."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._is_felt = True

    def is_felt(self, server: dict[str, Any]) -> bool:
        """Ask the server (psycopg's parameters); what was found a moment ago still holds."""
        with self._asking:
            if time.monotonic() >= self._asked_at + REST_SECONDS:
                self._note(_answers(server))
            return self._is_felt

    def was_lost(self) -> bool:
        """Whether it was not felt a moment ago: to connect now would be to wait in vain."""
        return not self._is_felt and time.monotonic() < self._asked_at + REST_SECONDS

    def lose(self) -> None:
        """Note that somebody had no answer."""
        with self._asking:
            self._note(is_felt=False)

    def _note(self, is_felt: bool) -> None:
        if self._is_felt and not is_felt:
            log.warning("database.silent")
        self._is_felt, self._asked_at = is_felt, time.monotonic()


class Listening(psycopg.Connection[Any]):
    """A connection that is given up, closed, when its server has no pulse any more."""

    pulse: Pulse
    server: dict[str, Any]

    def wait(self, gen: Generator[Any, Any, R], *args: Any, **options: Any) -> R:
        """As psycopg's, through which everything goes that waits for the server.

        Raises:
            OperationalError: the server has fallen silent.
        """
        return super().wait(self._listened(gen), *args, **options)

    def _listened(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """The same exchange with the server, with a look at the clock in each moment of silence."""
        heard_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard_at = time.monotonic()
                elif time.monotonic() >= heard_at + SILENCE_SECONDS:
                    self._check_pulse()
                    heard_at = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            result: R = end.value
            return result

    def _check_pulse(self) -> None:
        if not self.pulse.is_felt(self.server):
            self.pgconn.finish()
            raise psycopg.OperationalError("The server has fallen silent.")


def listen(engine: Engine, pulse: Pulse) -> None:
    """Have all connections of an engine notice when their server falls silent."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _args: Any, server: dict[str, Any]) -> Listening:
        if pulse.was_lost():
            raise psycopg.OperationalError("The server was silent a moment ago.")
        try:
            connection = Listening.connect(**server)
        except ConnectionTimeout as error:
            pulse.lose()
            _hang_up(error)
            raise
        connection.pulse, connection.server = pulse, server
        return connection


def _answers(server: dict[str, Any]) -> bool:
    """Whether the server answers anything, be it a refusal."""
    try:
        psycopg.connect(**{**server, "connect_timeout": PULSE_SECONDS}).close()
    except ConnectionTimeout as error:
        _hang_up(error)
        return False
    except psycopg.OperationalError:
        return True  # no place left, or a server that has just ended: the socket will tell
    return True


def _hang_up(error: ConnectionTimeout) -> None:
    """Let go of the half-made connection, which psycopg's frames keep in a circle with the error.

    A server that is thawed would serve it as one more session until the next garbage collection.
    """
    clear_frames(error.__traceback__)
