"""Consoles of databases: `kedge pg:psql`, `redis:cli`. They run in a one-off dyno of the app."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from typing import Any

import click

from kedge.cli import rendezvous, run, terminal
from kedge.cli.api import Api
from kedge.cli.databases import POSTGRES, REDIS, on_database
from kedge.cli.screen import doing, say


@click.command("pg:psql")
@on_database(POSTGRES)
@click.option("-c", "--command", "statement", metavar="SQL", help="Run this, and end.")
@click.option("-f", "--file", type=click.File("rb"), help="Run what is in a file, and end.")
def psql(
    api: Api, addon: dict[str, Any], *, statement: str | None, file: io.BufferedReader | None
) -> int:
    """Open psql on a Postgres database, or run what is piped in.

    It runs beside the app, where the database is reached; this machine never has the password.
    """
    given = statement.encode() if statement is not None else file.read() if file else None
    return _opened(api, addon, given)


@click.command("redis:cli")
@on_database(REDIS)
def redis_cli(api: Api, addon: dict[str, Any]) -> int:
    """Open redis-cli on a Redis instance, or run what is piped in."""
    return _opened(api, addon, None)


def _opened(api: Api, addon: dict[str, Any], given: bytes | None) -> int:
    interactive = given is None and terminal.is_interactive()
    if given is not None:
        _put_on_stdin(given)
    with doing(f"Opening a console of {addon['name']}"):
        path = f"/kedge/databases/{addon['id']}/consoles"
        dyno = api.post(path, _asked(interactive=interactive, stops_at_errors=given is not None))
        connection = rendezvous.connect(dyno["attach_url"], api.trust)
    say(f"up, {dyno['name']}")
    return run.stay(api, connection, dyno, interactive=interactive)


def _asked(*, interactive: bool, stops_at_errors: bool) -> dict[str, Any]:
    if not interactive:
        return {"force_no_tty": True, "stops_at_errors": stops_at_errors}
    own = terminal.environment()
    return {"term": own["TERM"], "columns": own["COLUMNS"], "lines": own["LINES"]}


def _put_on_stdin(given: bytes) -> None:
    """Have what was given by option read as if it were piped in."""
    with tempfile.TemporaryFile() as file:
        file.write(given + b"\n")
        file.seek(0)
        os.dup2(file.fileno(), sys.stdin.fileno())
