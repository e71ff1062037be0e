"""Postgres databases, as Heroku's data API has them (`/client/v11`, `/postgres/v0`).

Heroku's command line asks api.data.heroku.com for these; with HEROKU_DATA_HOST set to this
platform's host it asks here. Its source (11.10) is what names and shapes are taken from. Below
`/kedge` is what that API has no words for.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams, NotFound
from kedge.model.addon import Addon
from kedge.model.tables import Json
from kedge.ops import addons, databases
from kedge.ops.databases import POSTGRES, Database

routes = Blueprint("databases", __name__)
PID_LIMIT = 2**31 - 1
_UNITS = ("B", "KB", "MB", "GB", "TB")


def shown(database: Database) -> Json:
    """A database as Heroku's data API shows it; `kedge` holds the same as numbers."""
    addon, told = database.addon, database.told
    return {
        "addon_id": str(addon.id),
        "name": addon.name,
        "plan": addon.plan.short_name,
        "created_at": iso(addon.created_at),
        "resource_url": database.url or "",
        "following": None,
        "info": [{"name": name, "values": [value]} for name, value in _facts(database)],
        "kedge": {name: told.get(name) for name in
                  ("state", "health", "usage", "limits", "version", "started_at")},
    }  # fmt: skip


def size_words(number: object) -> str:
    """`8.1 MB`; `unknown` for what is no number."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return "unknown"
    size, unit = float(number), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def status_words(told: databases.Told) -> str:
    """`Available`, or what is observed instead."""
    health = told.get("health") or {}
    if told.get("state") == "running" and health.get("ok", True):
        return "Available"
    reason = health.get("message")
    return f"{str(told.get('state')).capitalize()}{f': {reason}' if reason else ''}"


def of(limit: object) -> str:
    """` / 20` behind a number that has a limit."""
    return "" if limit is None else f"/{limit}"


def _facts(database: Database) -> list[tuple[str, str]]:
    addon, told = database.addon, database.told
    usage, limits = told.get("usage") or {}, told.get("limits") or {}
    connections = usage.get("connection_limit") or limits.get("connections")
    stored = limits.get("storage_bytes")
    room = f" / {size_words(stored)}" if stored else ""
    facts = [
        ("Plan", addon.plan.human_name),
        ("Status", status_words(told)),
        ("Connections", f"{_known(usage.get('connections'))}{of(connections)}"),
        ("PG Version", str(told.get("version") or "unknown")),
        ("Created", addon.created_at.strftime("%Y-%m-%d %H:%M %Z").strip()),
        ("Data Size", f"{size_words(usage.get('size_bytes'))}{room}"),
    ]
    if usage.get("tables") is not None:
        facts.append(("Tables", str(usage["tables"])))
    return [*facts, ("Continuous Protection", "Off")]


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)


@routes.get("/client/v11/databases/<database>")
def info(database: str) -> Response:
    """A Postgres database: its state, size and connections."""
    return answer(shown(databases.look(services(), actor(), database, POSTGRES)))


@routes.get("/client/v11/databases/<database>/wait_status")
def wait_status(database: str) -> Response:
    """Whether a Postgres database is still to be waited for."""
    addon = addons.find(services(), actor(), database)
    if addon.state == "provisioning":
        return answer({"waiting?": True, "error?": False, "message": addon.message or "preparing"})
    told = databases.look(services(), actor(), database, POSTGRES).told
    is_waiting = told.get("state") == "starting"
    return answer({"waiting?": is_waiting, "error?": False, "message": status_words(told).lower()})


@routes.put("/client/v11/databases/<database>/reset")
def reset(database: str) -> Response:
    """Empty a Postgres database."""
    extensions = bodies.sequence(bodies.body(), "extensions")
    if not all(isinstance(each, str) and len(each) < 100 for each in extensions):
        raise InvalidParams("extensions must be a list of names.")
    addon = databases.reset(services(), actor(), database, extensions)
    return answer({"message": f"{addon.name} is empty."})


@routes.post("/client/v11/databases/<database>/connection_reset")
def connection_reset(database: str) -> Response:
    """End all connections of a Postgres database."""
    bodies.body()
    return answer({"ended": databases.end_connections(services(), actor(), database)})


@routes.put("/client/v11/databases/<database>/stats_reset")
def stats_reset(database: str) -> Response:
    """Count a Postgres database's statistics from now on."""
    bodies.body()
    databases.forget_slow_queries(services(), actor(), database)
    return answer({"message": "Statistics are counted from now on."})


@routes.get("/postgres/v0/databases/<database>/credentials")
def credentials(database: str) -> Response:
    """The credentials of a Postgres database; passwords only for who may read config vars."""
    addon, told = databases.credentials(services(), actor(), database)
    return answer_list([_credential(addon, each) for each in told])


@routes.get("/postgres/v0/databases/<database>/credentials/<credential>")
def credential(database: str, credential: str) -> Response:
    """One credential of a Postgres database, by name."""
    addon, told = databases.credentials(services(), actor(), database)
    for each in told:
        if each.get("name") == credential:
            return answer(_credential(addon, each))
    raise NotFound.of("credential", f"{addon.name} has no credential {credential[:60]!r}.")


@routes.post("/postgres/v0/databases/<database>/credentials_rotation")
def rotate_all(database: str) -> Response:
    """New passwords for a Postgres database; its apps are released with them."""
    bodies.body()
    addon = databases.rotate(services(), actor(), database, POSTGRES)
    return answer({"message": f"The credentials of {addon.name} are new."})


@routes.post("/postgres/v0/databases/<database>/credentials/<credential>/credentials_rotation")
def rotate(database: str, credential: str) -> Response:
    """A new password for one credential of a Postgres database."""
    if credential != "default":
        raise NotFound.of("credential", f"There is no credential {credential[:60]!r}.")
    return rotate_all(database)


@routes.get("/kedge/databases/<database>/processes")
def processes(database: str) -> Response:
    """What runs in a Postgres database now."""
    return answer_list([dict(e) for e in databases.processes(services(), actor(), database)])


@routes.post("/kedge/databases/<database>/processes/<pid>/stop")
def stop_process(database: str, pid: str) -> Response:
    """Cancel what a process of a Postgres database runs, or with `force` end its connection."""
    if not pid.isdecimal() or not 0 < int(pid) <= PID_LIMIT:
        raise InvalidParams("A process is named by its number: `kedge pg:ps` lists them.")
    force = bodies.truth(bodies.body(), "force") or False
    was = databases.stop_process(services(), actor(), database, int(pid), force=force)
    return answer({"stopped": was})


@routes.get("/kedge/databases/<database>/slow-queries")
def slow_queries(database: str) -> Response:
    """The queries that took most of a Postgres database's time."""
    return answer(dict(databases.slow_queries(services(), actor(), database)))


def _credential(addon: Addon, told: databases.Told) -> Json:
    """A credential in Heroku's shape. The password comes from the config, not from the provider."""
    url = urlsplit(databases.url_of(services(), actor(), addon) or "")
    is_known = bool(url.password) and unquote(url.username or "") == told.get("user")
    user: dict[str, Any] = {
        "user": told.get("user"),
        "password": unquote(url.password or "") if is_known else None,
        "state": told.get("state"),
        "connections": told.get("connections"),
    }
    return {
        "uuid": str(addon.id),
        "name": told.get("name"),
        "state": told.get("state"),
        "database": told.get("database"),
        "host": told.get("host"),
        "port": told.get("port"),
        "rotated_at": told.get("rotated_at"),
        "credentials": [user],
    }
