"""The providers' own schema in PostgreSQL: transactions, claims, migrations.

A claim is an advisory lock in a connection of its own. A process that is killed lets go of it at
that moment; and what is written at the end is written over that very connection, so that whoever
lost the claim cannot write.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources as packaged

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from kedge_addons.errors import Away, Busy
from kedge_addons.resource import SCHEMA

STATEMENT_SECONDS = 60
# A connection nobody has needed for so long is ended by the server, which spares it its memory.
IDLE_SECONDS = 30
LOOK_SECONDS = 0.05
APPLIED = f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.migrations
  (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ DEFAULT now())"""


class Database:
    """The schema of one installation's providers."""

    def __init__(self, url: str, *, connections: int = 8) -> None:
        self._engine = _engine(
            url, IDLE_SECONDS, pool_size=2, max_overflow=connections - 2,
            pool_pre_ping=True, pool_use_lifo=True,
        )  # fmt: skip
        self._claims = _engine(url, poolclass=NullPool)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Committed when the block ends, rolled back when it raises. Raises Away."""
        with _translated(), Session(self._engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def claim(self, name: object, *, seconds: float = 0.0) -> Iterator[Claim]:
        """Be the only one, in all processes, who is at this; for so long is it waited for.

        Raises:
            Busy: somebody else is at it.
            Away: the database does not answer.
        """
        with _translated(), self._claims.connect() as connection:
            key = {"key": _key(str(name))}
            _take(connection, key, time.monotonic() + seconds)
            try:
                yield Claim(connection)
            finally:
                with suppress(DBAPIError):
                    connection.rollback()
                    connection.execute(text("select pg_advisory_unlock(:key)"), key)
                    connection.commit()

    def migrate(self) -> None:
        """Bring the schema to its newest form; any number of processes may do so at once."""
        with self.claim("migrations", seconds=60) as claim, claim.transaction() as tx:
            tx.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            tx.execute(text(APPLIED))
            done = set(tx.scalars(text(f"SELECT name FROM {SCHEMA}.migrations")))  # noqa: S608
            for name, statements in migrations():
                if name not in done:
                    tx.connection().exec_driver_sql(statements)
                    insert = f"INSERT INTO {SCHEMA}.migrations (name) VALUES (:name)"  # noqa: S608
                    tx.execute(text(insert), {"name": name})

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class Claim:
    """The right to change something; it ends with the block that holds it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that fails when the claim was lost."""
        with Session(self._connection, expire_on_commit=False) as session:
            yield session
            session.commit()


def migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in their order."""
    folder = packaged.files("kedge_addons") / "migrations"
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")),
                   key=lambda each: each.name)  # fmt: skip
    return [(each.name, each.read_text()) for each in files]


def uuid_of(value: object) -> uuid.UUID | None:
    """An id as it came in a path or a body; None when it is none."""
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _take(connection: Connection, key: dict[str, int], deadline: float) -> None:
    while not connection.scalar(text("select pg_try_advisory_lock(:key)"), key):
        connection.commit()
        if time.monotonic() >= deadline:
            raise Busy("It is being changed already. Try again in a moment.")
        time.sleep(LOOK_SECONDS)
    connection.commit()


def _key(name: str) -> int:
    digest = hashlib.sha256(f"{SCHEMA} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _engine(url: str, idle_seconds: int = 0, **pool: object) -> Engine:
    scheme, separator, rest = url.partition("://")
    plain = scheme in {"postgres", "postgresql"}
    options = f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_session_timeout={idle_seconds}s"
    return create_engine(
        f"postgresql+psycopg{separator}{rest}" if plain else url,
        hide_parameters=True,  # an error's words go to the log; the values must not
        connect_args={"connect_timeout": 5, "options": options},
        **pool,
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Away("The providers' database does not answer.") from error
