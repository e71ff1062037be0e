"""The database: sessions, locks that outlive a transaction, and migrations.

PostgreSQL holds all truth. A use case runs in one transaction; what must happen only once it is
committed (log lines, wakes) is handed to `Transaction.after_commit`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from kedge.errors import DatabaseDown, Unavailable
from kedge.model.tables import Row
from kedge.silence import Pulse, listen

log = structlog.get_logger()
POOL_SECONDS = 10.0
# The longest there is, the end of an app with all its rows, takes seconds.
STATEMENT_SECONDS = 300
# A connection costs the server 5 to 8 MB: what nobody has needed for so long, the server ends
# (PostgreSQL 14 and newer). The one that is used most is given out first, so the rest come of age.
IDLE_SECONDS = 30
# Over TCP: a server whose machine is gone is noticed in half a minute, not in two hours.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
MIGRATIONS = Path(__file__).parent / "migrations"
SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# Rows of an app that nobody looks at: an output wakes its own readers, many times a second.
UNSEEN = frozenset({"config_snapshots", "log_sessions", "output_chunks", "outputs", "sources"})


R = TypeVar("R", bound=Row)


class Transaction(Session):
    """A session that commits at its end, and then does what was put off until the commit."""

    def lock(self, row: type[R], identity: object) -> R:
        """A row by its key, as it is now, held until the transaction ends; it must exist."""
        return self.get_one(row, identity, with_for_update={"of": row}, populate_existing=True)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do this when, and only when, the transaction is committed."""
        self.info.setdefault("after_commit", []).append(act)

    def touch(self, app_id: uuid.UUID) -> None:
        """Note that something people see of an app changes; written rows do so by themselves."""
        self.info.setdefault("touched", set()).add(app_id)

    @property
    def touched(self) -> frozenset[uuid.UUID]:
        """The apps of which something changed."""
        return frozenset(self.info.get("touched", ()))

    def run_after_commit(self) -> None:
        """Do what was put off. A failure is logged: the change itself stands."""
        for act in self.info.pop("after_commit", []):
            try:
                act()
            except Exception:  # the commit stands whatever a listener does
                log.exception("after_commit.failed")


class AdvisoryLock:
    """A lock that lives in its connection: a killed process, or a restarted server, lets go."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection, self._key = connection, {"key": key}
        self.held = False

    def take(self, *, wait: bool) -> None:
        """Take the lock; `held` tells whether it was there to take."""
        verb = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
        answer = self._connection.scalar(text(f"select {verb}(:key)"), self._key)
        self._connection.commit()
        self.held = answer is not False

    def is_alive(self) -> bool:
        """Whether the lock is still held; asks the server."""
        try:
            self._connection.execute(text("select 1"))
            self._connection.commit()
        except DBAPIError:
            self.held = False
        return self.held

    def release(self) -> None:
        """Let go. A connection that died has done so already."""
        with suppress(DBAPIError):
            if self.held:
                self._connection.execute(text("select pg_advisory_unlock(:key)"), self._key)
                self._connection.commit()
        self.held = False


class Database:
    """One PostgreSQL database."""

    def __init__(self, url: str, *, connections: int = 16) -> None:
        """`connections` are the most that transactions use at the same time."""
        pulse = Pulse()
        self._engine = _engine(
            url,
            pulse,
            statement_seconds=STATEMENT_SECONDS,
            idle_seconds=IDLE_SECONDS,
            pool_size=max(1, connections // 2),
            max_overflow=connections - max(1, connections // 2),
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        # Locks are held for minutes: each has a connection of its own, and no transaction waits.
        self._locks = _engine(url, pulse, poolclass=NullPool)
        # Told after each commit of which apps something changed, whoever changed it.
        self.on_change: Callable[[Iterable[uuid.UUID]], None] = _ignore
        self._moment: ContextVar[Transaction | None] = ContextVar("moment", default=None)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises.

        Raises:
            DatabaseDown: PostgreSQL does not answer.
            Unavailable: all connections were in use for too long.
        """
        if (reading := self._moment.get()) is not None:
            yield reading
            return
        with _translated(), Transaction(self._engine, expire_on_commit=False) as session:
            yield session
            session.commit()
        session.run_after_commit()
        if session.touched:
            self.on_change(session.touched)

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Within this block all transactions of this thread see the database as at one moment.

        They are one transaction, which may not write, and whose rows are read once: what many use
        cases find fits together, at a third of the price. Whoever asks another server meanwhile
        keeps a connection busy for nothing. A moment within one is the same. Raises as
        `transaction` does.
        """
        if self._moment.get() is not None:
            yield
            return
        with _translated(), Transaction(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options=SNAPSHOT)
            kept: list[object] = []  # a session forgets at once what nobody holds
            event.listen(session, "loaded_as_persistent", lambda _, row: kept.append(row))
            token = self._moment.set(session)
            try:
                yield
            finally:
                self._moment.reset(token)

    @contextmanager
    def advisory_lock(self, name: str, *, wait: bool = True) -> Iterator[AdvisoryLock]:
        """A lock by name that lasts as long as the block, or this process.

        With `wait` it blocks until it has the lock; without, the block runs with a lock that is
        not held when somebody else has it.

        Raises:
            DatabaseDown: PostgreSQL does not answer.
        """
        with _translated(), self._locks.connect() as connection:
            lock = AdvisoryLock(connection, _lock_key(name))
            lock.take(wait=wait)
            try:
                yield lock
            finally:
                lock.release()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@event.listens_for(Transaction, "after_flush")
def _touch_apps(tx: Transaction, _context: object) -> None:
    """Note the apps whose rows are written."""
    for row in (*tx.new, *tx.dirty, *tx.deleted):
        if isinstance(row, Row) and row.__tablename__ not in UNSEEN:
            app_id = row.__dict__.get("id" if row.__tablename__ == "apps" else "app_id")
            if app_id is not None and (row not in tx.dirty or tx.is_modified(row)):
                tx.touch(app_id)


def _ignore(app_ids: Iterable[uuid.UUID]) -> None:
    """Nobody asked to be told."""


def migrate(url: str) -> None:
    """Bring the database to the newest form. Safe to run by several processes at once."""
    from alembic import command  # noqa: PLC0415 - a server never needs it after its start
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def sqlalchemy_url(url: str) -> str:
    """The URL with the driver Kedge uses; `postgres://…` is understood as well."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        return f"postgresql+psycopg{separator}{rest}"
    return url


def _engine(
    url: str, pulse: Pulse, *, statement_seconds: int = 0, idle_seconds: int = 0, **pool: Any
) -> Engine:
    """`statement_seconds` bound each statement, `idle_seconds` the time without one; 0: nothing."""
    given = make_url(sqlalchemy_url(url))
    bounds = f"-c statement_timeout={statement_seconds}s -c idle_session_timeout={idle_seconds}s"
    options = f"{given.query.get('options', '')} {bounds}"
    engine = create_engine(
        given,
        hide_parameters=True,  # an error's words go to the log; the values must not
        connect_args={"connect_timeout": 5, **KEEPALIVES, "options": options.strip()},
        **pool,
    )
    listen(engine, pulse)
    return engine


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if isinstance(error, DBAPIError) and _is_lost(error):
            raise DatabaseDown from error
        raise
    except PoolTimeout as error:
        log.warning("database.busy", reason=str(error))
        raise Unavailable(
            "Kedge has more to do than its database takes at once. Try again in a moment."
        ) from error


def _is_lost(error: DBAPIError) -> bool:
    """Whether the server is away (rather than having refused one statement).

    Connection errors have no SQLSTATE, or one of class 08 or 57 (shut down, starting up).
    """
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in {"08", "57", "53"}
