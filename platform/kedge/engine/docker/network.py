"""The one bridge network of an installation, which all its dynos and builds are on.

Per-app networks would run into the engine's default pools after about thirty; one bridge without
traffic between its members, in a range of our own, has room for four thousand dynos.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import docker.errors
from docker.types import IPAMConfig, IPAMPool

from kedge.engine.docker import labels
from kedge.engine.docker.addresses import free_ranges, host_ranges
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.errors import RuntimeDown

BRIDGE_OPTION = "com.docker.network.bridge.name"
CREATE_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Network:
    """A dyno network as it is. `gateway` is the host's address on it."""

    network_id: str
    name: str
    bridge: str
    subnet: IPv4Network
    gateway: IPv4Address


def name_of(installation: str) -> str:
    """What Docker calls the installation's network."""
    return f"kedge-{installation}"


def bridge_of(installation: str) -> str:
    """The bridge's interface name: the kernel takes 15 characters at most."""
    return f"kdg-{installation[:6]}"


def find(engine: Engine) -> Network | None:
    """The installation's network, None when there is none."""
    with translated("list networks"):
        try:
            found = engine.api.inspect_network(name_of(engine.installation))
        except docker.errors.NotFound:
            return None
    return _network(found)


def ensure(engine: Engine, pool: str) -> Network:
    """The installation's network, made when it is missing; two processes may call it at once.

    Args:
        engine: where.
        pool: the ranges to choose from, as in `settings.network_pool`.

    Raises:
        RuntimeDown: the engine does not answer, or no range of the pool is free.
    """
    for _attempt in range(CREATE_ATTEMPTS):
        if found := find(engine):
            return found
        taken = [*host_ranges(), *_networks_ranges(engine)]
        for range_ in free_ranges(pool, taken):
            if _create(engine, range_):
                break
        else:
            raise RuntimeDown(
                f"No range of {pool} is free for the dyno network: networks of the host or of "
                "other containers overlap all of it. Set KEDGE_NETWORK_POOL to a free range."
            )
    raise RuntimeDown("Docker made the dyno network but does not list it. Restart Docker.")


def remove(engine: Engine) -> None:
    """Remove the installation's network; nothing happens when there is none."""
    if found := find(engine):
        with translated("remove the dyno network"):
            try:
                engine.api.remove_network(found.network_id)
            except docker.errors.NotFound:
                return


def _create(engine: Engine, range_: IPv4Network) -> bool:
    """Whether a network is there now; False when Docker knows the range as taken."""
    installation = engine.installation
    with translated("make the dyno network"):
        try:
            engine.api.create_network(
                name_of(installation),
                driver="bridge",
                check_duplicate=True,
                options={
                    BRIDGE_OPTION: bridge_of(installation),
                    "com.docker.network.bridge.enable_icc": "false",
                },
                ipam=IPAMConfig(
                    pool_configs=[IPAMPool(subnet=str(range_), gateway=str(range_[1]))]
                ),
                labels={labels.HOME: installation},
            )
        except docker.errors.APIError as error:
            words = str(error.explanation).lower()
            if "overlap" in words:
                return False
            # Another process of ours was quicker: the same name, or the same bridge.
            quicker = status_of(error) == 409 or "already exists" in words
            if not quicker and find(engine) is None:
                raise
    return True


def _networks_ranges(engine: Engine) -> list[IPv4Network]:
    with translated("list networks"):
        networks = engine.api.networks()
    configs = [entry for each in networks for entry in (each["IPAM"].get("Config") or [])]
    subnets = [entry["Subnet"] for entry in configs if ":" not in entry.get("Subnet", ":")]
    return [IPv4Network(subnet, strict=False) for subnet in subnets]


def _network(found: dict[str, Any]) -> Network:
    config = next(entry for entry in found["IPAM"]["Config"] if ":" not in entry["Subnet"])
    subnet = IPv4Network(config["Subnet"])
    return Network(
        network_id=found["Id"],
        name=found["Name"],
        bridge=found["Options"][BRIDGE_OPTION],
        subnet=subnet,
        gateway=IPv4Address(config.get("Gateway") or subnet[1]),
    )
