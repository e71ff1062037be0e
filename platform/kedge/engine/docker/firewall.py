"""Keeping the firewall of the dyno network in force on the engine's host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from kedge.engine.docker.client import Engine
from kedge.engine.docker.host import Host, HostThroughContainer, ThisHost, image_is_there
from kedge.engine.docker.rules import (
    DOCKER_CHAIN,
    Fence,
    Opening,
    in_force,
    missing,
    opening_rules,
    openings_text,
    removal_text,
    restore_text,
)
from kedge.errors import RuntimeDown

# The plain name is what Docker itself uses; the others for hosts where that is the wrong one.
PROGRAMS = ("iptables", "iptables-nft", "iptables-legacy")
WAIT_FOR_LOCK = ("-w", "5")
RESOLV_CONF = Path("/etc/resolv.conf")
INTERFACES = Path("/sys/class/net")


class Firewall:
    """iptables on one host; every call may be repeated."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._program: str | None = None

    def ensure(self, fence: Fence) -> bool:
        """Put the fence in force where it is not; True when something had to be done.

        Raises:
            RuntimeDown: iptables is not there or refuses; dynos must not start without it.
        """
        listed = self._listed()
        if not missing(fence, listed):
            return False
        self._restore(restore_text(fence, listed))
        if wrong := missing(fence, self._listed()):
            raise RuntimeDown(f"The dyno firewall does not hold: {'; '.join(wrong)}.")
        return True

    def open_ways(self, fence: Fence, openings: Sequence[Opening]) -> None:
        """Make these the openings there are; the fence is in force."""
        if not in_force(fence.openings_chain, opening_rules(openings), self._listed()):
            self._restore(openings_text(fence, openings))

    def check(self, fence: Fence) -> list[str]:
        """What of the fence is not in force, in words."""
        return missing(fence, self._listed())

    def remove(self, fence: Fence) -> None:
        """Take the fence away."""
        self._restore(removal_text(fence, self._listed()))

    def _listed(self) -> list[str]:
        if self._program is None:
            self._program = self._find_program()
        return self._host.run([self._program, *WAIT_FOR_LOCK, "-S"]).splitlines()

    def _restore(self, text: str) -> None:
        restore = str(self._program).replace("iptables", "iptables-restore", 1)
        if self._program != "iptables":
            # iptables-nft → iptables-nft-restore
            restore = f"{self._program}-restore"
        self._host.run([restore, *WAIT_FOR_LOCK, "--noflush"], text)

    def _find_program(self) -> str:
        """The iptables Docker wrote its own rules with, else the first that works."""
        working: list[str] = []
        reasons: list[str] = []
        for program in PROGRAMS:
            try:
                listed = self._host.run([program, *WAIT_FOR_LOCK, "-S"]).splitlines()
            except RuntimeDown as error:
                reasons.append(error.message)
                continue
            if f"-N {DOCKER_CHAIN}" in listed:
                return program
            working.append(program)
        if not working:
            raise RuntimeDown(
                f"The dyno firewall cannot be set up: {reasons[0]} Install iptables on the server."
            )
        return working[0]


def host_of(engine: Engine, bridge: str, image: str) -> Host:
    """This host when the bridge is here and we may, else the engine's through a container."""
    here = (INTERFACES / bridge).exists() and _may_here()
    return ThisHost() if here else HostThroughContainer(engine, image)


def host_of_old(engine: Engine, image: str) -> Host | None:
    """Where rules of a bridge that is gone would be; None when there is no way to look."""
    if _may_here():
        return ThisHost()
    return HostThroughContainer(engine, image) if image_is_there(engine, image) else None


def _may_here() -> bool:
    return os.geteuid() == 0 and shutil.which("iptables") is not None


def name_servers(conf: str | None = None) -> tuple[IPv4Address, ...]:
    """The host's IPv4 name servers but those on loopback (Docker asks these itself)."""
    text = RESOLV_CONF.read_text() if conf is None else conf
    words: list[Sequence[str]] = [line.split() for line in text.splitlines()]
    found: list[IPv4Address] = []
    for word in words:
        if len(word) > 1 and word[0] == "nameserver":
            with suppress(AddressValueError):  # an IPv6 one, which the IPv4-only bridge never asks
                found.append(IPv4Address(word[1]))
    return tuple(dict.fromkeys(address for address in found if not address.is_loopback))
