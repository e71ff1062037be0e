"""Roles and the database of an add-on, as statements: pure text, nothing is run here.

What is in the database belongs to one role that nobody signs in as. Apps sign in as a login role,
which acts as that owner; a rotation makes another login role, so that both work for a moment and no
request fails, and what the old one may have made itself goes to the owner when it ends.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from kedge_addons.keys import new_password
from kedge_addons.postgres.sql import literal, verifier

# ruff: noqa: S608 - every name in these statements is made here, of letters and digits alone


def new_login() -> dict[str, str]:
    """A login role, of a name and a password nobody guesses."""
    return {"user": f"u{secrets.token_hex(7)}", "password": new_password()}


def names(resource_id: uuid.UUID) -> dict[str, str]:
    """The database and its owner: the same for a resource as long as it lives."""
    return {"database": f"d{resource_id.hex[:14]}", "owner": f"o{resource_id.hex[:14]}"}


def set_up(secret: Mapping[str, Any], connections: int) -> str:
    """Make owner, login and database where they are missing; said again, it changes nothing."""
    owner, database = secret["owner"], secret["database"]
    return f"""
    SELECT 'CREATE ROLE {owner} NOLOGIN' WHERE NOT EXISTS
      (SELECT FROM pg_roles WHERE rolname = '{owner}') \\gexec
    GRANT pg_read_all_stats, pg_signal_backend TO {owner};
    {login(secret)}
    SELECT 'CREATE DATABASE {database} OWNER {owner}' WHERE NOT EXISTS
      (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
    {limits(secret, connections)}
    REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    {_schema(secret)}"""


def login(secret: Mapping[str, Any]) -> str:
    """Make the login role, or give it its password."""
    user, owner = secret["user"], secret["owner"]
    password = literal(verifier(secret["password"]))
    return f"""
    SELECT 'CREATE ROLE {user}' WHERE NOT EXISTS
      (SELECT FROM pg_roles WHERE rolname = '{user}') \\gexec
    ALTER ROLE {user} LOGIN INHERIT PASSWORD {password};
    GRANT {owner} TO {user};
    ALTER ROLE {user} SET role = '{owner}';"""


def end_login(user: str, secret: Mapping[str, Any]) -> str:
    """End a login role: nobody signs in as it, its sessions end, and what it made stays."""
    owner, database = secret["owner"], secret["database"]
    return f"""
    SELECT 'ALTER ROLE {user} NOLOGIN' FROM pg_roles WHERE rolname = '{user}' \\gexec
    {_end_sessions(f"usename = '{user}'")}
    \\c {database}
    SELECT 'REASSIGN OWNED BY {user} TO {owner}' FROM pg_roles WHERE rolname = '{user}' \\gexec
    SELECT 'DROP OWNED BY {user}' FROM pg_roles WHERE rolname = '{user}' \\gexec
    DROP ROLE IF EXISTS {user};"""


def limits(secret: Mapping[str, Any], connections: int) -> str:
    """Let apps have so many connections; whoever lifts it meets the server's own limit."""
    return f"ALTER DATABASE {secret['database']} CONNECTION LIMIT {connections};"


def read_only(secret: Mapping[str, Any], *, on: bool) -> str:
    """Have transactions read only unless they say otherwise, from their next session on."""
    database = secret["database"]
    setting = "default_transaction_read_only"
    wanted = f"SET {setting} = on" if on else f"RESET {setting}"
    return f"""
    ALTER DATABASE {database} {wanted};
    {_end_sessions(f"datname = '{database}'")}"""


def empty(secret: Mapping[str, Any], connections: int) -> str:
    """Have an empty database in the place of the one there is."""
    return f"""
    DROP DATABASE IF EXISTS {secret["database"]} WITH (FORCE);
    CREATE DATABASE {secret["database"]} OWNER {secret["owner"]};
    {limits(secret, connections)}
    {_schema(secret)}"""


def beside(secret: Mapping[str, Any]) -> str:
    """What the database is called that is to take the place of the one there is."""
    return f"{secret['database']}_next"


def empty_beside(secret: Mapping[str, Any]) -> str:
    """Have an empty database beside the one there is, whatever was left there."""
    return f"""
    DROP DATABASE IF EXISTS {beside(secret)} WITH (FORCE);
    CREATE DATABASE {beside(secret)} OWNER {secret["owner"]};
    {_schema({**secret, "database": beside(secret)})}"""


def put_in_place(secret: Mapping[str, Any], connections: int) -> str:
    """Have the database beside take the name of the one there is, which goes: all or nothing."""
    database, old = secret["database"], f"{secret['database']}_old"
    return f"""
    DROP DATABASE IF EXISTS {old} WITH (FORCE);
    ALTER DATABASE {database} CONNECTION LIMIT 0;
    {_end_sessions(f"datname IN ('{database}', '{beside(secret)}')")}
    BEGIN;
    ALTER DATABASE {database} RENAME TO {old};
    ALTER DATABASE {beside(secret)} RENAME TO {database};
    COMMIT;
    {limits(secret, connections)}
    DROP DATABASE {old} WITH (FORCE);"""


def drop_beside(secret: Mapping[str, Any], connections: int) -> str:
    """Have the one there is as it was, and nothing beside it."""
    return f"""
    DROP DATABASE IF EXISTS {beside(secret)} WITH (FORCE);
    {limits(secret, connections)}"""


def _schema(secret: Mapping[str, Any]) -> str:
    return f"""
    REVOKE ALL ON DATABASE {secret["database"]} FROM PUBLIC;
    \\c {secret["database"]}
    ALTER SCHEMA public OWNER TO {secret["owner"]};"""


def _end_sessions(which: str) -> str:
    return f"""
    SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity
      WHERE {which} AND pid <> pg_backend_pid() AND backend_type = 'client backend';"""
