"""Which range the dyno network gets: a pure choice, and where the taken ranges are read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

ROUTES = Path("/proc/net/route")
PREFIX = 20


def free_ranges(pool: str, taken: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    """Every /20 of the pool (comma-separated ranges) that overlaps nothing taken, in order."""
    avoided = list(taken)
    for part in filter(None, (word.strip() for word in pool.split(","))):
        wide = IPv4Network(part)
        for candidate in wide.subnets(new_prefix=max(PREFIX, wide.prefixlen)):
            if not any(candidate.overlaps(range_) for range_ in avoided):
                yield candidate


def host_ranges(table: str | None = None) -> list[IPv4Network]:
    """The ranges the host has routes to, its default route left out (the kernel's table)."""
    text = ROUTES.read_text() if table is None else table
    found = (_range_of(line.split()) for line in text.splitlines()[1:])
    return [range_ for range_ in found if range_.prefixlen > 0]


def _range_of(columns: list[str]) -> IPv4Network:
    """One line of /proc/net/route; addresses are little-endian hex (`man 5 proc`)."""
    destination, mask = (
        IPv4Address(struct.unpack("<I", bytes.fromhex(columns[index]))[0]) for index in (1, 7)
    )
    return IPv4Network(f"{destination}/{mask}", strict=False)
