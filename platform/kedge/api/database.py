"""Postgres databases, as Heroku's data API has them (`/client/v11`, `/postgres/v0`).

Heroku's command line asks api.data.heroku.com for these; with HEROKU_DATA_HOST set to this
platform's host it asks here. Its source (11.10) is what names and shapes are taken from. Below
`/kedge` is what that API has no words for.
"""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams, NotFound
from kedge.model.addon import Addon
from kedge.model.tables import Json
from kedge.ops import addon_directory, databases
from kedge.ops.databases import POSTGRES, Credential, Database

routes = Blueprint("databases", __name__)
PID_LIMIT = 2**31 - 1
DEFAULT = "default"
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
    word = "Available" if told.get("state") == "running" else str(told.get("state")).capitalize()
    problems = " ".join(str(each) for each in health.get("problems") or [])
    return f"{word}: {problems}" if problems else word


def of(limit: object) -> str:
    """` / 20` behind a number that has a limit."""
    return "" if limit is None else f"/{limit}"


def _facts(database: Database) -> list[tuple[str, str]]:
    addon, told = database.addon, database.told
    usage, limits = told.get("usage") or {}, told.get("limits") or {}
    connections = usage.get("connection_limit") or limits.get("connections")
    stored = usage.get("size_limit_bytes")
    room = f" / {size_words(stored)}" if stored else ""
    facts = [
        ("Plan", addon.plan.human_name),
        ("Status", status_words(told)),
        ("Connections", f"{_known(usage.get('connections'))}{of(connections)}"),
        ("PG Version", str(told.get("version") or "unknown")),
        ("Created", addon.created_at.strftime("%Y-%m-%d %H:%M %Z").strip()),
        ("Data Size", f"{size_words(usage.get('size_bytes'))}{room}"),
    ]
    hit = (told.get("health") or {}).get("cache_hit_percent")
    return [
        *facts,
        *([("Cache Hit Rate", f"{hit} %")] if hit is not None else []),
        ("Continuous Protection", "Off"),
    ]


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)


@routes.get("/client/v11/databases/<database>")
def info(database: str) -> Response:
    """A Postgres database: its state, size and connections."""
    return answer(shown(databases.look(services(), actor(), database, POSTGRES)))


@routes.get("/client/v11/databases/<database>/wait_status")
def wait_status(database: str) -> Response:
    """Whether a Postgres database is still to be waited for."""
    addon = addon_directory.find(services(), actor(), database)
    if addon.state == "provisioning":
        return answer({"waiting?": True, "error?": False, "message": addon.message or "preparing"})
    told = databases.look(services(), actor(), database, POSTGRES).told
    is_waiting = told.get("state") == "starting"
    return answer({"waiting?": is_waiting, "error?": False, "message": status_words(told).lower()})


@routes.put("/client/v11/databases/<database>/reset")
def reset(database: str) -> Response:
    """Empty a Postgres database."""
    if bodies.sequence(bodies.body(), "extensions"):
        raise InvalidParams(
            "Extensions are not made with a reset. Reset it, then CREATE EXTENSION in `pg:psql`."
        )
    addon = databases.reset(services(), actor(), database)
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
    found = databases.credential(services(), actor(), database)
    return answer_list([_credential(*found)])


@routes.get("/postgres/v0/databases/<database>/credentials/<credential>")
def credential(database: str, credential: str) -> Response:
    """One credential of a Postgres database, by name."""
    addon, found = databases.credential(services(), actor(), database)
    if credential != DEFAULT:
        raise _no_such(credential)
    return answer(_credential(addon, found))


@routes.post("/postgres/v0/databases/<database>/credentials_rotation")
def rotate_all(database: str) -> Response:
    """New passwords for a Postgres database; its apps are released with them."""
    at_once = bodies.truth(bodies.body(), "forced") or False
    addon = databases.rotate(services(), actor(), database, POSTGRES, at_once=at_once)
    return answer({"message": f"The credentials of {addon.name} are new."})


@routes.post("/postgres/v0/databases/<database>/credentials/<credential>/credentials_rotation")
def rotate(database: str, credential: str) -> Response:
    """A new password for one credential of a Postgres database."""
    if credential != DEFAULT:
        raise _no_such(credential)
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


def _credential(addon: Addon, found: Credential) -> Json:
    """A credential in Heroku's shape: each has the logins it is made of."""
    return {
        "uuid": str(addon.id),
        "name": DEFAULT,
        "state": "active",
        "database": found.database,
        "host": found.host,
        "port": found.port,
        "credentials": [
            {
                "user": found.user,
                "password": found.password,
                "state": "active",
                "connections": found.connections,
            }
        ],
    }


def _no_such(name: str) -> NotFound:
    words = f"There is no credential {name[:60]!r}; there is {DEFAULT!r}."
    return NotFound.of("credential", words)
