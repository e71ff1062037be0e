"""Redis instances, as Heroku's data API has them (`/redis/v0`)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.database import of, size_words, status_words
from kedge.clock import iso
from kedge.model.tables import Json
from kedge.ops import addon_directory, databases
from kedge.ops.databases import REDIS, Database

routes = Blueprint("redis", __name__)
# https://redis.io/docs/latest/develop/reference/eviction/
POLICIES = {
    "noeviction": "returns errors when memory limit is reached",
    "allkeys-lfu": "removes less frequently used keys first",
    "volatile-lfu": "removes less frequently used keys first that have an expiry set",
    "allkeys-lru": "removes less recently used keys first",
    "volatile-lru": "removes less recently used keys first that have an expiry set",
    "allkeys-random": "evicts random keys",
    "volatile-random": "evicts random keys but only those that have an expiry set",
    "volatile-ttl": "only evicts keys with an expiry set and a short TTL",
}
SETTINGS = ("maxmemory_policy", "timeout", "notify_keyspace_events")


def shown(database: Database, config: databases.Told) -> Json:
    """An instance as Heroku's data API shows it; `kedge` holds the same as numbers."""
    addon, told = database.addon, database.told
    return {
        "addon_id": str(addon.id),
        "name": addon.name,
        "plan": addon.plan.short_name,
        "created_at": iso(addon.created_at),
        "info": [{"name": name, "values": [value]} for name, value in _facts(database, config)],
        "resource_url": database.url or "",
        "port": urlsplit(database.url or "").port,
        "version": told.get("version"),
        "prefer_native_tls": (database.url or "").startswith("rediss:"),
        "formation": {"id": None, "primary": None},
        "metaas_source": None,
        "kedge": {name: told.get(name) for name in
                  ("state", "health", "usage", "limits", "version", "started_at")}
                 | {"config": dict(config)},
    }  # fmt: skip


def _facts(database: Database, config: databases.Told) -> list[tuple[str, str]]:
    told = database.told
    usage, limits = told.get("usage") or {}, told.get("limits") or {}
    limit = usage.get("memory_limit_bytes")
    rate = usage.get("hit_rate")
    connections = usage.get("connection_limit") or limits.get("connections")
    return [
        ("Plan", database.addon.plan.human_name),
        ("Status", status_words(told)),
        ("Created", database.addon.created_at.strftime("%Y-%m-%d %H:%M %Z").strip()),
        ("Version", str(told.get("version") or "unknown")),
        ("Timeout", str(config.get("timeout", "unknown"))),
        ("Maxmemory", str(config.get("maxmemory_policy", "unknown"))),
        ("Memory", f"{size_words(usage.get('memory_bytes'))} / {size_words(limit)}"),
        ("Connections", f"{usage.get('connections', 'unknown')}{of(connections)}"),
        ("Keys", str(usage.get("keys", "unknown"))),
        ("Hit Rate", "unknown" if rate is None else f"{rate:.1%}"),
    ]


def _settings(told: databases.Told) -> Json:
    """Settings in Heroku's shape: each with its value, the policy with what it means."""
    known = {name: {"value": told.get(name)} for name in SETTINGS}
    known["maxmemory_policy"]["values"] = POLICIES
    return known


@routes.get("/redis/v0/databases/<database>")
def info(database: str) -> Response:
    """A Redis instance: its state, memory and connections."""
    found = databases.look(services(), actor(), database, REDIS)
    return answer(shown(found, databases.settings(services(), actor(), database)))


@routes.get("/redis/v0/databases/<database>/wait")
def wait(database: str) -> Response:
    """Whether a Redis instance is still to be waited for."""
    addon = addon_directory.find(services(), actor(), database)
    is_waiting = addon.state == "provisioning"
    message = "preparing"
    if not is_waiting:
        told = databases.look(services(), actor(), database, REDIS).told
        is_waiting, message = told.get("state") == "starting", status_words(told).lower()
    return answer({"waiting?": is_waiting, "error?": False, "message": message})


@routes.get("/redis/v0/databases/<database>/config")
def config(database: str) -> Response:
    """The settings of a Redis instance."""
    return answer(_settings(databases.settings(services(), actor(), database)))


@routes.patch("/redis/v0/databases/<database>/config")
def update(database: str) -> Response:
    """Change settings of a Redis instance."""
    body = bodies.body()
    changes = {name: body[name] for name in SETTINGS if body.get(name) is not None}
    return answer(_settings(databases.change_settings(services(), actor(), database, changes)))


@routes.post("/redis/v0/databases/<database>/credentials_rotation")
def rotate(database: str) -> Response:
    """A new password for a Redis instance; its apps are released with it."""
    bodies.body()
    addon = databases.rotate(services(), actor(), database, REDIS)
    return answer({"message": f"The credentials of {addon.name} are new."})


@routes.post("/redis/v0/databases/<database>/stats/reset")
def reset_stats(database: str) -> Response:
    """Count a Redis instance's statistics from now on."""
    bodies.body()
    databases.forget_redis_statistics(services(), actor(), database)
    return answer({"message": "Statistics are counted from now on."})
