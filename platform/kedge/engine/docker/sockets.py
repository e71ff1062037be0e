"""Listening TCP ports out of the kernel's tables (/proc/net/tcp and tcp6, `man 5 proc`)."""

from __future__ import annotations

from collections.abc import Iterable

LISTEN = "0A"
ANY_V6_LOOPBACK = "00000000000000000000000001000000"
V4_IN_V6 = "0000000000000000FFFF0000"
# Docker's own name server inside every container: 127.0.0.11.
DOCKER_RESOLVER = "0B00007F"


def listening_ports(tables: Iterable[str]) -> list[int]:
    """Ports listened on, sorted; those bound to loopback alone are negative."""
    open_ports: set[int] = set()
    loopback_ports: set[int] = set()
    for line in tables:
        columns = line.split()
        if len(columns) < 4 or columns[3] != LISTEN:
            continue
        address, _, port = columns[1].partition(":")
        if address != DOCKER_RESOLVER:
            (loopback_ports if _is_loopback(address) else open_ports).add(int(port, 16))
    return sorted({*open_ports, *(-port for port in loopback_ports - open_ports)})


def _is_loopback(address: str) -> bool:
    """Whether a little-endian hex address is 127.x, ::1 or 127.x within IPv6."""
    if len(address) == 8:
        return address.endswith("7F")
    return address == ANY_V6_LOOPBACK or (address.startswith(V4_IN_V6) and address.endswith("7F"))
