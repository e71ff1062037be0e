"""Databases: add-ons of the built-in data services, asked about and changed at their provider.

Everything here is decided by what the actor may do to the add-on's app, then asked of the provider,
then written to the audit log and the app's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kedge.errors import InvalidParams, NotFound, ProviderAway
from kedge.model.addon import Addon, State
from kedge.ops import addon_directory, attached, builtin_addons
from kedge.ops.authorize import Action, Actor, find_app, permissions_of, record
from kedge.ops.services import Services

POSTGRES, REDIS = "heroku-postgresql", "heroku-redis"
KINDS = {POSTGRES: "Postgres database", REDIS: "Redis instance"}
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Database:
    """An add-on of a data service with what its provider observes. `url` only for who may read it.

    `told` is the provider's `state`, `health`, `usage`, `limits` and `version`.
    """

    addon: Addon
    told: Told
    url: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to a database: its name in the audit log, and in words in the app's log."""

    event: str
    words: str


ROTATE = Deed("database.rotate", "Rotate credentials of")
RESET = Deed("database.reset", "Reset")
END_CONNECTIONS = Deed("database.end_connections", "End all connections of")
STOP_PROCESS = Deed("database.stop_process", "Stop a query of")
FORGET_STATISTICS = Deed("database.forget_statistics", "Reset statistics of")
CHANGE_SETTINGS = Deed("database.change_settings", "Change settings of")


def find(
    services: Services, actor: Actor, identity: str, service: str, action: Action = Action.VIEW
) -> Addon:
    """A database that is there, by its add-on's name or id.

    Args:
        services: as everywhere.
        actor: who asks.
        identity: the add-on's name or id.
        service: POSTGRES or REDIS.
        action: what they are about to do to the add-on's app.

    Raises:
        NotFound: no such database, or it is still being made (as Heroku's data API says it).
        Forbidden: they may see it and not do this.
    """
    found = addon_directory.find(services, actor, identity)
    if found.service.name != service or not found.service.is_builtin:
        raise NotFound.of("add_on", f"{found.name} is no {KINDS[service]} of this platform.")
    if found.state != State.PROVISIONED:
        raise NotFound.of(
            "add_on", f"{found.name} is not there yet. `kedge addons:wait {found.name}` waits."
        )
    require(services, actor, found, action)
    return found


def require(services: Services, actor: Actor, addon: Addon, action: Action) -> None:
    """Raises Forbidden unless the actor may do this to the add-on's app."""
    if addon.app_id is None:
        raise NotFound.of("add_on")
    with services.database.transaction() as tx:
        find_app(tx, actor, addon.app_id, action)


def look(services: Services, actor: Actor, identity: str, service: str) -> Database:
    """A database as it is now.

    Raises:
        ProviderAway: its provider does not answer, or not understandably.
    """
    addon = find(services, actor, identity, service)
    told = as_object(addon, builtin_addons.ask(services, addon, "GET", ""))
    return Database(addon, told, url_of(services, actor, addon))


def url_of(services: Services, actor: Actor, addon: Addon) -> str | None:
    """The URL with its password, for who may read the app's config vars; None for others."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, str(addon.app_id), Action.VIEW)
        if Action.DEPLOY not in permissions_of(tx, actor, app):
            return None
    return own_url(services, addon)


def own_url(services: Services, addon: Addon) -> str | None:
    """The URL its provider gave, whoever asks: not to be shown without a look at who does."""
    given = attached.provider_config(services, addon)
    return next((value for name, value in sorted(given.items()) if name.endswith("_URL")), None)


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom a database lets in. `password` only for who may read the app's config vars."""

    user: str
    password: str | None
    host: str
    port: int | None
    database: str
    connections: int | None


def credential(services: Services, actor: Actor, identity: str) -> tuple[Addon, Credential]:
    """The credential apps use for a Postgres database: the one there is.

    Raises:
        ProviderAway: its provider does not answer.
    """
    found = look(services, actor, identity, POSTGRES)
    own = urlsplit(own_url(services, found.addon) or "")
    usage = found.told.get("usage") or {}
    return found.addon, Credential(
        user=unquote(own.username or ""),
        password=unquote(own.password or "") if found.url else None,
        host=own.hostname or "",
        port=own.port,
        database=unquote(own.path.lstrip("/")),
        connections=usage.get("connections"),
    )


def rotate(
    services: Services, actor: Actor, identity: str, service: str, *, at_once: bool = False
) -> Addon:
    """New credentials; the provider tells them, and every app that has the database is released.

    The old ones go on until the release is live, `at_once` they do not.
    """
    path, body = "/credentials/rotate", {"force": at_once}
    addon, _ = do(services, actor, identity, service, ROTATE, "POST", path, body)
    return addon


def reset(services: Services, actor: Actor, identity: str) -> Addon:
    """Empty a Postgres database. What was in it is only in its backups."""
    addon, _ = do(services, actor, identity, POSTGRES, RESET, "POST", "/reset", {})
    return addon


def end_connections(services: Services, actor: Actor, identity: str) -> int:
    """End all connections of a Postgres database; how many there were."""
    path, body = "/connections/end", {"force": True}
    addon, told = do(services, actor, identity, POSTGRES, END_CONNECTIONS, "POST", path, body)
    return int(as_object(addon, told).get("ended") or 0)


def processes(services: Services, actor: Actor, identity: str) -> list[Told]:
    """What runs in a Postgres database now. The text of queries may hold data: who may operate."""
    addon = find(services, actor, identity, POSTGRES, Action.OPERATE)
    told = as_object(addon, builtin_addons.ask(services, addon, "GET", "/connections"))
    return as_list(addon, told.get("connections"))


def stop_process(services: Services, actor: Actor, identity: str, pid: int, *, force: bool) -> bool:
    """Cancel what a process runs, or with `force` end its connection; whether it was there."""
    path, body = "/connections/end", {"pid": pid, "force": force}
    addon, told = do(services, actor, identity, POSTGRES, STOP_PROCESS, "POST", path, body)
    return bool(as_object(addon, told).get("ended"))


def slow_queries(services: Services, actor: Actor, identity: str) -> Told:
    """The queries that took most of the time. Who may operate, as for processes."""
    addon = find(services, actor, identity, POSTGRES, Action.OPERATE)
    return as_object(addon, builtin_addons.ask(services, addon, "GET", "/slow-queries"))


def forget_slow_queries(services: Services, actor: Actor, identity: str) -> None:
    """Count from now on."""
    path = "/slow-queries"
    do(services, actor, identity, POSTGRES, FORGET_STATISTICS, "DELETE", path, None)


def forget_redis_statistics(services: Services, actor: Actor, identity: str) -> None:
    """Count from now on."""
    do(services, actor, identity, REDIS, FORGET_STATISTICS, "POST", "/stats/reset", {})


def settings(services: Services, actor: Actor, identity: str) -> Told:
    """The settings of a Redis instance one may change."""
    addon = find(services, actor, identity, REDIS)
    return as_object(addon, builtin_addons.ask(services, addon, "GET", "/config"))


def change_settings(
    services: Services, actor: Actor, identity: str, changes: Mapping[str, object]
) -> Told:
    """Change settings of a Redis instance; all of them as they are then.

    Raises:
        InvalidParams: nothing to change.
        ProviderRefused: not a setting, or not one of its values.
    """
    if not changes:
        raise InvalidParams("Name a setting: maxmemory_policy, timeout or notify_keyspace_events.")
    addon, told = do(services, actor, identity, REDIS, CHANGE_SETTINGS, "PATCH", "/config", changes)
    return as_object(addon, told)


def do(
    services: Services,
    actor: Actor,
    identity: str,
    service: str,
    deed: Deed,
    method: str,
    path: str,
    body: Mapping[str, object] | None,
) -> tuple[Addon, object]:
    """Have the provider do something to a database, and note who had it done.

    Raises:
        NotFound, Forbidden: as `find`; it takes the right to operate.
        ProviderRefused: the provider says no.
        ProviderAway: it does not answer; it may have done it all the same.
    """
    addon = find(services, actor, identity, service, Action.OPERATE)
    told = builtin_addons.ask(services, addon, method, path, body)
    note(services, actor, addon, deed)
    return addon, told


def note(services: Services, actor: Actor, addon: Addon, deed: Deed, **details: object) -> None:
    """Write what was done to a database to the audit log and the app's log."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, str(addon.app_id), Action.OPERATE)
        record(tx, actor, deed.event, app, addon=addon.name, **details)
        services.say(tx, app.id, f"{deed.words} {addon.name} by user {actor.email}")


def as_object(addon: Addon, told: object) -> Told:
    """A provider's answer that is to be an object. Raises ProviderAway."""
    if not isinstance(told, dict):
        raise ProviderAway(addon.service.name, "its answer is not what was asked for")
    return told


def as_list(addon: Addon, told: object) -> list[Told]:
    """A provider's answer that is to be a list of objects. Raises ProviderAway."""
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise ProviderAway(addon.service.name, "its answer is not what was asked for")
    return told
