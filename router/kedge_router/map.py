"""The route map: which apps the router serves, at which version, each in a slot of its own.

Values only. A change is a new map; what may not change raises, and the map stays as it was.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from . import durable
from .app import Address, App
from .errors import Conflict, RouterError, Stale
from .journal import say

REMOVED_KEPT = 10_000
"""Versions of removed apps remembered, so that a late request cannot bring one back."""


def slot_name(number: int) -> str:
    """HAProxy's name for the backend `number`, counted from 1."""
    return f"slot_{number:04d}"


def slot_names(count: int) -> Iterator[str]:
    """The names of the first `count` slots."""
    return (slot_name(number) for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class RouteMap:
    """All apps and their slots. A slot belongs to one app until the app is removed."""

    slot_count: int
    apps: Mapping[str, App] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)

    def put(self, app: App, occupied: Collection[str] = ()) -> Self:
        """The map with `app` new or changed; the same map when nothing changes.

        A new app gets a slot that no app has and that is not `occupied` by servers still draining;
        when there is none, the map has twice the slots.

        Raises:
            Stale: a higher version is in force, or the app was removed at this version or later.
            Conflict: another app has one of the hosts, a server name stands for another address,
                or the same version came with other routes.
        """
        current = self.apps.get(app.id)
        self._refuse_stale(app)
        if app == current:
            return self
        if current is not None:
            _refuse_changed_addresses(app, current)
        _refuse_shared_hosts([app], self._hosts_of_others(app.id))
        return self._with_slots({**self.apps, app.id: app}, occupied)

    def remove(self, app_id: str, version: int | None = None) -> Self:
        """The map without the app; later puts of `version` or lower are stale.

        Raises:
            Stale: a higher version is in force.
        """
        current = self.apps.get(app_id)
        known = current.version if current else self.removed.get(app_id, 0)
        version = known if version is None else version
        if current and version < current.version:
            raise Stale(app_id, version, current.version)
        removed = {**self.removed, app_id: max(version, known)}
        return replace(
            self,
            apps={key: app for key, app in self.apps.items() if key != app_id},
            slots={key: slot for key, slot in self.slots.items() if key != app_id},
            removed=dict(list(removed.items())[-REMOVED_KEPT:]),
        )

    def resync(self, apps: Mapping[str, App], occupied: Collection[str] = ()) -> Self:
        """The map with exactly `apps`; the others are gone, at no version in particular.

        Raises:
            Stale, Conflict: as `put`, and then nothing changes.
        """
        for app in apps.values():
            self._refuse_stale(app)
            if current := self.apps.get(app.id):
                _refuse_changed_addresses(app, current)
        _refuse_shared_hosts(apps.values(), {})
        return self._with_slots(dict(apps), occupied)

    def _refuse_stale(self, app: App) -> None:
        removed = self.removed.get(app.id)
        if removed is not None and app.version <= removed:
            raise Stale(app.id, app.version, removed)
        current = self.apps.get(app.id)
        if current and app.version < current.version:
            raise Stale(app.id, app.version, current.version)
        if current and app.version == current.version and app != current:
            raise Conflict(
                f"Version {app.version} of app {app.id} is in force with other routes: "
                "send the change with a higher version."
            )

    def _hosts_of_others(self, app_id: str) -> dict[str, App]:
        return {host: app for app in self.apps.values() if app.id != app_id for host in app.hosts}

    def _with_slots(self, apps: Mapping[str, App], occupied: Collection[str]) -> Self:
        """The map with `apps`: who has a slot keeps it, who has none gets the next free one."""
        slots = {app_id: slot for app_id, slot in self.slots.items() if app_id in apps}
        # Slots left in this very change still hold their servers: they are not free yet.
        taken = {*self.slots.values(), *occupied}
        count = self.slot_count
        while count < len(apps.keys() - slots.keys()) + len(taken):
            count *= 2
        free = (slot for slot in slot_names(count) if slot not in taken)
        slots |= {app_id: next(free) for app_id in apps if app_id not in slots}
        removed = {key: version for key, version in self.removed.items() if key not in apps}
        return replace(self, apps=apps, slots=slots, slot_count=count, removed=removed)

    def save(self, path: Path) -> None:
        """Write the map to `path`; on return it outlives a power cut."""
        body = {
            "slot_count": self.slot_count,
            "apps": {
                app_id: {**app.body(), "slot": self.slots[app_id]}
                for app_id, app in self.apps.items()
            },
            "removed": self.removed,
        }
        durable.write(path, json.dumps(body, separators=(",", ":")))

    @classmethod
    def load(cls, path: Path, slot_count: int) -> Self:
        """The map saved at `path` with at least `slot_count` slots; an empty one if there is none.

        A file that cannot be read is set aside and said so: the platform's own host must be served,
        and the platform sends the whole map again.
        """
        if not path.exists():
            return cls(slot_count)
        try:
            return cls._from_body(json.loads(path.read_text("utf-8")), slot_count)
        except (ValueError, KeyError, TypeError, AttributeError, RouterError) as error:
            aside = path.with_suffix(".broken")
            path.replace(aside)
            say("map.unreadable", kept_as=aside, reason=error)
            return cls(slot_count)

    @classmethod
    def _from_body(cls, body: dict[str, dict[str, dict[str, str]]], slot_count: int) -> Self:
        saved: object = body["slot_count"]
        removed: Mapping[str, object] = body["removed"]
        if not isinstance(saved, int):
            raise TypeError("slot_count is not a number")
        return cls(
            slot_count=max(saved, slot_count),
            apps={app_id: App.parse(app_id, app) for app_id, app in body["apps"].items()},
            slots={app_id: app["slot"] for app_id, app in body["apps"].items()},
            removed={app_id: int(str(version)) for app_id, version in removed.items()},
        )


def refuse_reused_names(app: App, known: Mapping[str, Address]) -> None:
    """Raise Conflict if a server of `app` is `known` to HAProxy, draining, at another address.

    Requests in flight would follow the name to the new address (measured with HAProxy 2.6).
    """
    for name, address in app.servers.items():
        if known.get(name, address) != address:
            raise Conflict(
                f"Server {name} of app {app.id} is still known at {known[name]}: "
                "give a dyno at another address another name."
            )


def _refuse_changed_addresses(app: App, current: App) -> None:
    refuse_reused_names(app, current.servers)


def _refuse_shared_hosts(apps: Collection[App], held: dict[str, App]) -> None:
    """Raise Conflict when two apps want the same host; `held` are the hosts of all others."""
    for app in apps:
        for host in app.hosts:
            holder = held.setdefault(host, app)
            if holder is not app:
                raise Conflict(
                    f"The host {host} is held by app {holder.name} ({holder.id}): "
                    "remove it there first."
                )
