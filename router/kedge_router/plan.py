"""From the route map and what a worker holds to the commands that close the gap; no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .app import App
from .map import RouteMap
from .render import map_entries, server_line
from .runtime import MAPS, Observed


@dataclass(frozen=True, slots=True)
class Plan:
    """Commands in the order that loses no request: make, route, then break."""

    make: tuple[str, ...]
    """Servers that are wanted come up."""
    route: tuple[str, ...]
    """States and hosts lead to them."""
    retire: tuple[str, ...]
    """Servers no longer wanted get no new requests."""

    def __bool__(self) -> bool:
        return bool(self.make or self.route or self.retire)

    @property
    def commands(self) -> tuple[str, ...]:
        """All commands, in order."""
        return self.make + self.route + self.retire


def plan(route_map: RouteMap, observed: Observed, maps: Path) -> Plan:
    """What a worker that holds `observed` must be told; an empty plan means the map is in force."""
    return Plan(
        make=tuple(_make(route_map, observed)),
        route=tuple(_route(route_map, observed, maps)),
        retire=tuple(_retire(route_map, observed)),
    )


def _make(route_map: RouteMap, observed: Observed) -> Iterator[str]:
    for app_id, slot in route_map.slots.items():
        there = observed.servers.get(slot, {})
        number = max((server.number for server in there.values()), default=0)
        for name, address in route_map.apps[app_id].servers.items():
            if name not in there:
                number += 1
                yield f"add server {slot}/{server_line(name, address, number)}"
                yield f"enable server {slot}/{name}"  # it is born in maintenance
                continue
            if there[name].address != address:  # names are not reused: somebody else changed it
                yield f"set server {slot}/{name} addr {address.host} port {address.port}"
            if not there[name].ready:
                yield f"set server {slot}/{name} state ready"


def _route(route_map: RouteMap, observed: Observed, maps: Path) -> Iterator[str]:
    """Set entries from the slot outwards, remove them from the host inwards."""
    wanted = map_entries(route_map)
    for name in MAPS:
        there = observed.maps[name]
        for key, value in wanted[name].items():
            if key not in there:
                yield f"add map {maps}/{name}.map {key} {value}"
            elif set(there[key]) != {value}:
                yield f"set map {maps}/{name}.map {key} {value}"
    for name in reversed(MAPS):
        for key in observed.maps[name]:
            if key not in wanted[name]:
                yield f"del map {maps}/{name}.map {key}"


def _retire(route_map: RouteMap, observed: Observed) -> Iterator[str]:
    owners = {slot: route_map.apps[app_id] for app_id, slot in route_map.slots.items()}
    for slot, servers in observed.servers.items():
        wanted = owners[slot].servers if slot in owners else {}
        for name, server in servers.items():
            if name not in wanted and server.ready:
                yield f"set server {slot}/{name} state drain"


def in_force(route_map: RouteMap, observed: Observed, maps: Path) -> frozenset[str]:
    """The apps a worker that holds `observed` serves exactly as the map has them."""
    if not plan(route_map, observed, maps):
        return frozenset(route_map.apps)
    return frozenset(
        app_id
        for app_id, slot in route_map.slots.items()
        if slot in observed.slots and _serves(route_map.apps[app_id], slot, observed)
    )


def _serves(app: App, slot: str, observed: Observed) -> bool:
    """Whether the app's hosts lead to its slot, just its servers are ready there, and its state."""
    ready = {
        name: server.address for name, server in observed.servers[slot].items() if server.ready
    }
    leading = {
        *(host for host, to in observed.maps["hosts"].items() if slot in to),
        *(f"*.{host}" for host, to in observed.maps["wild"].items() if slot in to),
    }
    return (
        ready == dict(app.servers)
        and leading == set(app.hosts)
        and observed.maps["apps"].get(slot) == [f"{app.id}:{app.name}"]
        and observed.maps["state"].get(slot, [None]) == [app.code]
    )
