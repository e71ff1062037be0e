"""Attached one-off dynos: who shows a dyno's secret is connected to its terminal.

https://devcenter.heroku.com/articles/one-off-dynos. The container is made and attached before it is
started, so that not a byte of its output is missed.
"""

from __future__ import annotations

from contextlib import suppress

import structlog
from sqlalchemy import select

from kedge.engine.protocols import Attachment, Runtime
from kedge.errors import KedgeError
from kedge.loops.lives import Lives
from kedge.model.account import token_digest
from kedge.model.dyno import Dyno, State
from kedge.model.tables import Json
from kedge.ops.services import Services, app_topic

log = structlog.get_logger()
SIZE = {"columns", "lines"}


class OneOffs:
    """Gives out the sessions of attached dynos, for the rendezvous server."""

    def __init__(self, services: Services, runtime: Runtime, lives: Lives) -> None:
        self._services, self._runtime, self._lives = services, runtime, lives

    def claim(self, secret: str) -> Session | NotStarted | None:
        """The session of a secret, once; None for an unknown or used one."""
        dyno = self._take(secret)
        if dyno is None:
            return None
        try:
            runtime_id = self._lives.make(dyno)
            attachment = self._runtime.attach(runtime_id)
        except KedgeError as error:
            _give_up(self._lives, dyno, error)
            return NotStarted(error)
        except BaseException:
            self._lives.sessions.end(dyno.id)
            raise
        return Session(self._services, self._runtime, self._lives, dyno, runtime_id, attachment)

    def _take(self, secret: str) -> Dyno | None:
        query = (
            select(Dyno).where(Dyno.attach_sha256 == token_digest(secret)).with_for_update(of=Dyno)
        )
        dyno = None
        try:
            with self._services.database.transaction() as tx:
                dyno = tx.scalar(query)
                if dyno is None or dyno.state != State.STARTING or dyno.stop_requested_at:
                    return None
                dyno.attach_sha256 = None
                self._lives.sessions.begin(dyno.id)  # before the commit: who is claimed has one
                return dyno
        except KedgeError:
            if dyno is not None:
                self._lives.sessions.forget(dyno.id)
            raise


class Session:
    """One client and one dyno."""

    def __init__(
        self,
        services: Services,
        runtime: Runtime,
        lives: Lives,
        dyno: Dyno,
        runtime_id: str,
        attachment: Attachment,
    ) -> None:
        self._services, self._runtime, self._lives = services, runtime, lives
        self._dyno, self._runtime_id = dyno, runtime_id
        self.attachment = attachment
        attach = dyno.attach or {}
        self.tty = bool(attach.get("tty"))
        self.size = size_of(attach)

    def start(self) -> None:
        """Start the dyno's process."""
        try:
            self._lives.begin(self._dyno, self._runtime_id)
        except KedgeError as error:
            _give_up(self._lives, self._dyno, error)
            raise
        self._wake()

    def hang_up(self) -> None:
        """The client went away: its dyno gets SIGHUP, and is stopped when it goes on."""
        with suppress(KedgeError):
            self._runtime.signal(self._runtime_id, "HUP")
            with self._services.database.transaction() as tx:
                tx.get_one(Dyno, self._dyno.id).stop_requested_at = self._services.now()
            self._wake()

    def finished(self) -> None:
        """The dyno's process has ended and the client has got all of its output."""
        self._lives.sessions.end(self._dyno.id)
        self._wake()

    def _wake(self) -> None:
        self._services.wakes.wake(app_topic(self._dyno.app_id))


class NotStarted:
    """The session of a dyno that cannot be started: it says why, and that is all."""

    def __init__(self, error: KedgeError) -> None:
        self._error = error
        self.attachment: Attachment = NoStreams()
        self.tty = False
        self.size: tuple[int, int] | None = None

    def start(self) -> None:
        """Raises what went wrong, for the client to read."""
        raise self._error

    def hang_up(self) -> None:
        """Nobody is there to hear it."""

    def finished(self) -> None:
        """Nothing is left to be done."""


class NoStreams:
    """The streams of a dyno that never ran."""

    def send(self, payload: bytes) -> None:
        """Nothing reads it."""

    def close_stdin(self) -> None:
        """Nothing waits for it."""

    def receive(self) -> bytes:
        """Nothing was written."""
        return b""

    def resize(self, columns: int, lines: int) -> None:
        """There is no terminal."""

    def close(self) -> None:
        """There is nothing to let go of."""


def size_of(attach: Json) -> tuple[int, int] | None:
    """Columns and lines of the terminal that is wanted, when somebody said."""
    return (attach["columns"], attach["lines"]) if attach.keys() >= SIZE else None


def _give_up(lives: Lives, dyno: Dyno, error: KedgeError) -> None:
    log.warning("oneoff.failed", dyno=dyno.name, reason=error.message)
    with suppress(KedgeError):  # the supervisor ends it otherwise: its client is gone
        lives.abandon(dyno, error.message)
    lives.sessions.end(dyno.id)
