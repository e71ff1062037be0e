"""Kedge's own release phase: the database is made, brought to the newest form, and has an owner;
the built-in add-on services are registered.

It runs at each start, before any part that uses the database (`release:` in the Procfile).
"""

from __future__ import annotations

import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from kedge.db import migrate
from kedge.errors import StartRefused
from kedge.home import postgres, providers
from kedge.home.installation import Installation, write_private
from kedge.ops.accounts import ensure_owner, renew_owner_token
from kedge.ops.services import Services

DATABASE = "kedge"


def bring_up_to_date(installation: Installation, services: Services) -> None:
    """Make what is missing in the database, and leave the owner's token in the home.

    Raises:
        StartRefused: the database does not let us in, or is newer than this Kedge.
    """
    url = installation.settings.database_url
    try:
        if url == postgres.private_url(installation):
            _make_database(url)
        migrate(url)
    except (psycopg.Error, SQLAlchemyError, CommandError) as error:
        raise StartRefused(
            f"The database cannot be brought up to date: {error}",
            "The step that failed changed nothing. Mend it, or start the Kedge of before.",
        ) from error
    _keep_token(installation, services)
    providers.register(services)


def _make_database(url: str) -> None:
    """The database in the private server, where there is none yet."""
    server = url.replace("/kedge?", "/postgres?", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        there = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
        if there.fetchone() is None:
            connection.execute(f"create database {DATABASE}")


def _keep_token(installation: Installation, services: Services) -> None:
    """The owner's token in `token` (0600); a fresh one where that file was lost."""
    file = installation.home / "token"
    token = ensure_owner(services, installation.settings.owner)
    if token is None and not file.exists():
        token = renew_owner_token(services)
    if token is not None:
        write_private(file, token + "\n")
