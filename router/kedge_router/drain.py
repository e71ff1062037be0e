"""How a server leaves: no new requests, then nothing in flight, then quiet, then forgotten.

A request counts as in flight from the choice of its server to the last byte to the client.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from .runtime import Master, Observed, Server, Worker


@dataclass(frozen=True, slots=True)
class Sessions:
    """What one server still serves, in all workers together."""

    in_flight: int
    state: Literal["ready", "drain"]


def sessions(master: Master, slot: str) -> dict[str, Sessions]:
    """Requests and websockets in flight in `slot` by server; zero is only said when it is so.

    A worker that finishes after a reload may still serve a server the current one never knew.

    Raises:
        OSError: a worker did not answer, so nothing is known.
    """
    workers = master.workers()
    total: dict[str, Sessions] = {}
    for worker in reversed(workers):  # the current one last: it says who gets new requests
        servers = worker.servers(slot)
        for name, count in in_flight(worker, slot, servers).items():
            before = total[name].in_flight if name in total else 0
            ready = worker is workers[0] and servers[name].ready
            total[name] = Sessions(before + count, "ready" if ready else "drain")
    return total


def in_flight(worker: Worker, slot: str, servers: Mapping[str, Server]) -> dict[str, int]:
    """Requests in flight in one worker by server.

    Connections in use are cheap to count, but a request that has its server and no connection yet
    is only among the streams: a zero is looked up there.
    """
    used = worker.used_connections(slot)
    if all(used.get(name) for name in servers):
        return {name: used[name] for name in servers}
    streams = worker.streams()
    return {name: max(used.get(name, 0), streams.get((slot, name), 0)) for name in servers}


class Reaper:
    """Takes servers that were drained out of HAProxy.

    HAProxy 2.6 has use-after-free bugs around `del server`, so a server is deleted only after some
    seconds in maintenance, when its idle connections are closed and nothing refers to it.
    """

    def __init__(
        self, quarantine_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.quarantine_seconds = quarantine_seconds
        self.clock = clock
        self.quiet_since: dict[tuple[str, str], float] = {}

    def step(self, worker: Worker, observed: Observed) -> int:
        """Move every server on its way out one step on; how many there are."""
        leaving = {
            (slot, name): server
            for slot, servers in observed.servers.items()
            for name, server in servers.items()
            if not server.ready
        }
        self.quiet_since = {key: at for key, at in self.quiet_since.items() if key in leaving}
        if leaving:
            busy = self._busy(worker, {slot for slot, _ in leaving})
            worker.act(self._commands(leaving, busy))
        return len(leaving)

    def _commands(
        self, leaving: Mapping[tuple[str, str], Server], busy: set[tuple[str, str]]
    ) -> list[str]:
        commands = []
        for (slot, name), server in leaving.items():
            if (slot, name) in busy:
                self.quiet_since.pop((slot, name), None)
                continue
            since = self.quiet_since.setdefault((slot, name), self.clock())
            if not server.in_maintenance:
                commands.append(f"set server {slot}/{name} state maint")  # closes idle connections
            elif self.clock() - since >= self.quarantine_seconds:
                commands.append(f"del server {slot}/{name}")  # refused while in use: tried again
        return commands

    def _busy(self, worker: Worker, slots: set[str]) -> set[tuple[str, str]]:
        busy = {key for key, count in worker.streams().items() if count}
        for slot in slots:
            used = worker.used_connections(slot)
            busy |= {(slot, name) for name, count in used.items() if count}
        return busy
