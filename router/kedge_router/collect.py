"""Reads HAProxy's log from its pipe, for as long as the agent lives."""

import os
from collections.abc import Iterator

from .access import Access
from .backlog import Backlog
from .journal import say

READ_BYTES = 262_144


def collect(descriptor: int, backlog: Backlog, first_byte_ms: int) -> None:
    """Put every request read from `descriptor` into `backlog`; returns at the end of file."""
    for lines in _batches(descriptor):
        requests, torn = [], 0
        for line in lines:
            try:
                request = Access.parse(line, first_byte_ms)
            except (ValueError, KeyError) as error:
                torn += 1
                say("access.unreadable", reason=error)
            else:
                requests += [request] if request else []
        if torn:
            backlog.lose(torn)
        if requests:
            backlog.add(requests)


def _batches(descriptor: int) -> Iterator[list[str]]:
    """Whole lines, as many as one read brought."""
    rest = b""
    while part := os.read(descriptor, READ_BYTES):
        *lines, rest = (rest + part).split(b"\n")
        if lines:
            yield [line.decode("utf-8", "replace") for line in lines]
