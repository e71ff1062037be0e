"""The servers of add-ons as the engine sees them, and the ways from dynos to them.

Providers make these containers; all we know of one is its labels: whose it is and where it listens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from kedge.engine.docker import labels, network
from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.dyno import mac_of
from kedge.engine.docker.rules import Opening


@dataclass(frozen=True, slots=True)
class Server:
    """One port of a running server of an add-on, on the dyno network."""

    addon_id: UUID
    address: IPv4Address
    port: int


def openings(engine: Engine, addons: Mapping[UUID, frozenset[UUID]]) -> tuple[Opening, ...]:
    """The ways from dynos (by id) to the servers of the add-ons each may reach, in one order."""
    found = sorted(servers(engine), key=lambda each: (each.addon_id, each.port))
    return tuple(
        Opening(mac_of(dyno_id), server.address, server.port)
        for dyno_id, wanted in sorted(addons.items())
        for server in found
        if server.addon_id in wanted
    )


def servers(engine: Engine) -> list[Server]:
    """The servers that run now. Raises RuntimeDown."""
    with translated("list the servers of add-ons"):
        listed = engine.api.containers(filters=labels.filters(engine.installation, kind="addon"))
    name = network.name_of(engine.installation)
    return [server for each in listed for server in _server_of(each, name)]


def _server_of(listed: Mapping[str, Any], network_name: str) -> Iterator[Server]:
    """One at each port it names, unless it has no address here or labels that say nothing."""
    on_network = (listed["NetworkSettings"]["Networks"] or {}).get(network_name) or {}
    try:
        addon_id = labels.uuid_of(listed["Labels"], labels.ADDON_ID)
        address = IPv4Address(on_network["IPAddress"])
        ports = [int(port) for port in listed["Labels"][labels.ADDON_PORT].split(",")]
    except (KeyError, ValueError):
        return
    for port in ports:
        yield Server(addon_id, address, port)
