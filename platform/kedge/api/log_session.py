"""Log sessions, and the log itself as a stream of events or of lines."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, public, services, streams, url
from kedge.clock import iso
from kedge.engine.logs import format_line
from kedge.engine.protocols import LogFilter, LogLine
from kedge.errors import NotFound, Unavailable
from kedge.model.log_session import LogSession
from kedge.ops import log_sessions
from kedge.ops.services import Services
from kedge.places import has_left

routes = Blueprint("log_sessions", __name__)
POLL_SECONDS = 0.15
HEARTBEAT_SECONDS = 15.0
RENEW_SECONDS = 60.0
# How soon an event source connects again, in milliseconds: Heroku's CLI ends that much after a
# stream that closed, and by its own default after three seconds.
RETRY = b"retry: 10\n\n"


@routes.post("/apps/<app>/log-sessions")
def create(app: str) -> Response:
    """The address of an app's log, good for five minutes, and for as long as it is being read."""
    body = bodies.body()
    named = (bodies.text(body, member) for member in ("dyno", "dyno_name", "type"))
    session, secret = log_sessions.create(
        services(),
        actor(),
        app,
        lines=body.get("lines"),
        tail=bodies.truth(body, "tail") or False,
        source=bodies.text(body, "source") or None,
        process=next(filter(None, named), None),
    )
    return answer(
        {
            "created_at": iso(session.created_at),
            "id": str(session.id),
            "logplex_url": url("logs", secret),
            "updated_at": iso(session.updated_at),
        },
        201,
    )


@routes.get("/logs/<secret>")
@public
def stream(secret: str) -> Response:
    """The log: `text/event-stream` for who accepts it, else plain lines.

    An event's id is where to go on: `Last-Event-ID` brings what came after it.
    """
    session = log_sessions.open_session(services(), secret)
    is_events = "text/event-stream" in request.headers.get("Accept", "")
    reading = Reading.begin(services(), session, request.headers.get("Last-Event-ID"))
    kind = "text/event-stream" if is_events else "text/plain"
    body = streams().held(reading.events() if is_events else reading.plain())
    return Response(body, mimetype=kind, headers={"Cache-Control": "no-cache"})


@dataclass(slots=True)
class Reading:
    """Somebody reading a log: what they have not seen yet begins at the cursor."""

    services: Services
    session: LogSession
    environ: dict[str, Any]
    only: LogFilter
    lines: Sequence[LogLine]
    cursor: str

    @classmethod
    def begin(cls, services: Services, session: LogSession, after: str | None) -> Reading:
        """From the newest lines, or after the cursor `after`.

        Raises:
            BadRequest: that is no cursor.
        """
        only = log_sessions.filter_of(session)
        if after:
            found = services.logs.follow(session.app_id, after, only)
        else:
            found = services.logs.tail(session.app_id, session.filters["lines"], only)
        return cls(services, session, request.environ, only, *found)

    def events(self) -> Generator[bytes, None, None]:
        """Server-sent events; a comment every fifteen seconds of silence."""
        yield RETRY
        for lines, cursor in self._batches():
            yield _event(lines, cursor) if lines else b": \n\n"

    def plain(self) -> Generator[bytes, None, None]:
        """One line a row."""
        for lines, _ in self._batches():
            yield "".join(f"{format_line(line)}\n" for line in lines).encode()

    def _batches(self) -> Iterator[tuple[Sequence[LogLine], str]]:
        """Lines as they come, and none about every fifteen seconds of silence.

        Ends when the client went away, or the app with its session.
        """
        yield self.lines, self.cursor
        spoke_at = renewed_at = time.monotonic()
        while self.session.filters["tail"] and not has_left(self.environ):
            self.lines, self.cursor = self.services.logs.follow(
                self.session.app_id, self.cursor, self.only
            )
            now = time.monotonic()
            if self.lines or now - spoke_at >= HEARTBEAT_SECONDS:
                spoke_at = now
                yield self.lines, self.cursor
            if now - renewed_at >= RENEW_SECONDS:
                renewed_at = now
                if not self._renewed():
                    return
            if not self.lines:
                time.sleep(POLL_SECONDS)

    def _renewed(self) -> bool:
        """Whether the session may go on; a log is read also while the database is away."""
        with suppress(Unavailable):
            try:
                log_sessions.renew(self.services, self.session.id)
            except NotFound:
                return False
        return True


def _event(lines: Sequence[LogLine], cursor: str) -> bytes:
    """Lines as one event: whoever reconnects gets all of its lines or none again."""
    rows = "".join(f"data: {format_line(line)}\n" for line in lines)
    return f"id: {cursor}\n{rows}\n".encode()
