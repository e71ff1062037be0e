"""Log sessions: a secret URL by which an app's log can be read for a while."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import delete, select

from kedge.engine.protocols import LogFilter
from kedge.errors import InvalidParams, NotFound
from kedge.model.account import token_digest
from kedge.model.log_session import LogSession
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services

LINES_LIMIT = 1500  # as Logplex keeps for a session
DEFAULT_LINES = 100
OPENABLE_FOR = timedelta(minutes=5)


def create(
    services: Services,
    actor: Actor,
    app_identity: str,
    *,
    lines: object = None,
    tail: bool = False,
    source: str | None = None,
    process: str | None = None,
) -> tuple[LogSession, str]:
    """The right to read an app's log, and the secret that stands for it.

    Raises:
        InvalidParams: `lines` is not a number, or the source is neither app nor heroku.
    """
    if source not in (None, "app", "heroku"):
        raise InvalidParams("source must be app or heroku.")
    try:
        wanted = min(max(int(str(lines)), 0), LINES_LIMIT) if lines is not None else DEFAULT_LINES
    except ValueError:
        raise InvalidParams(f"lines must be a number up to {LINES_LIMIT}.") from None
    secret = services.mint()
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        filters = {"lines": wanted, "tail": tail, "source": source, "process": process}
        session = LogSession(
            app_id=app.id,
            secret_sha256=token_digest(secret),
            filters=filters,
            expires_at=services.now() + OPENABLE_FOR,
        )
        tx.execute(delete(LogSession).where(LogSession.expires_at < services.now()))
        tx.add(session)
        tx.flush()
        tx.refresh(session)
        return session, secret


def open_session(services: Services, secret: str) -> LogSession:
    """The session a secret stands for. Raises NotFound when there is none, or no longer."""
    query = select(LogSession).where(LogSession.secret_sha256 == token_digest(secret))
    with services.database.transaction() as tx:
        session = tx.scalar(query)
    if session is None or session.expires_at < services.now():
        raise NotFound.of("log_session", "Log stream timed out. Please try again.")
    return session


def renew(services: Services, session_id: uuid.UUID) -> None:
    """Keep a session that is being read open. Raises NotFound when it is gone with its app."""
    with services.database.transaction() as tx:
        session = tx.get(LogSession, session_id)
        if session is None:
            raise NotFound.of("log_session")
        session.expires_at = services.now() + OPENABLE_FOR


def filter_of(session: LogSession) -> LogFilter:
    """Which lines the session shows."""
    return LogFilter(session.filters["source"], session.filters["process"])
