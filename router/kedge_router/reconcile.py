"""Brings HAProxy to the route map and sees that it is there: look, close the gap, look again.

It starts from what HAProxy holds, never from what was sent before, so it may be stopped anywhere,
HAProxy may restart anywhere, and the next round still ends at the map.
"""

import subprocess
import time
from collections.abc import Mapping

from .app import Address
from .errors import Unavailable
from .haproxy import write_files
from .journal import say
from .map import RouteMap
from .plan import plan
from .runtime import Master, Observed, Worker
from .settings import Settings

PATIENCE_SECONDS = 5.0
"""How long a change waits for HAProxy, which is back within two when it is started again."""

PAUSE_SECONDS = 0.02
RELOAD_SECONDS = 15.0


class Reconciler:
    """The one writer to HAProxy; its caller holds the agent's lock."""

    def __init__(self, settings: Settings, master: Master) -> None:
        self.settings = settings
        self.master = master
        self.held: dict[str, dict[str, Address]] = {}
        """Servers HAProxy was last seen to know, ready or not, by slot and name."""
        self.synced_pid = 0
        """The worker the map was last seen in force in."""
        self.retiring = False
        """Whether some of them are on their way out."""

    def converge(self, route_map: RouteMap, patience_seconds: float = PATIENCE_SECONDS) -> int:
        """Return once `route_map` was seen in force; the number of commands it took.

        Raises:
            Unavailable: HAProxy was not there, or objected, for `patience_seconds`.
        """
        deadline = time.monotonic() + patience_seconds
        told = 0
        reason = "it did not come to rest"
        while True:
            try:
                commands, objections = self._round(route_map)
                if not commands:
                    return told
                told += commands
                reason = "; ".join(objections)[:500] or reason
            except OSError as error:
                reason = f"it does not answer ({error})"
                time.sleep(PAUSE_SECONDS)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"HAProxy did not take the routes in {patience_seconds:g} s: {reason}. They "
                    "may or may not be in force: repeat the request with the same version."
                )

    def _round(self, route_map: RouteMap) -> tuple[int, list[str]]:
        """One look and what it takes to come to the map; how many commands, what was refused."""
        worker = self.master.current
        pid = worker.info().pid
        observed = worker.observe()
        if len(observed.slots) < route_map.slot_count:
            self.reload(route_map)
            return 1, []
        for finishing in self.master.finishing():
            finishing.hand_over()
        self._remember(observed)
        commands = plan(route_map, observed, worker.maps).commands
        if not commands:
            self.synced_pid = pid
        return len(commands), worker.act(commands)

    def _remember(self, observed: Observed) -> None:
        self.held = {
            slot: {name: server.address for name, server in servers.items()}
            for slot, servers in observed.servers.items()
            if servers
        }
        self.retiring = any(
            not server.ready for servers in observed.servers.values() for server in servers.values()
        )

    def occupied(self) -> frozenset[str]:
        """Slots in which HAProxy knows servers, of an app or still draining from one removed."""
        return frozenset(self.held)

    def known(self, slot: str | None) -> Mapping[str, Address]:
        """Addresses by name of the servers HAProxy knows in `slot`."""
        return self.held.get(slot or "", {})

    def reload(self, route_map: RouteMap) -> None:
        """Start a worker with the map's number of slots; the one before finishes what it has.

        The listening sockets pass from one to the other, so no connection is refused.

        Raises:
            Unavailable: the new configuration is not accepted; the worker before goes on.
        """
        before = self.master.current.info().pid
        write_files(self.settings, route_map)
        self._check_configuration()
        self.master.reload()
        deadline = time.monotonic() + RELOAD_SECONDS
        while not self._answers(self.master.current, before):
            if time.monotonic() > deadline:
                raise Unavailable("HAProxy did not reload; its own log says why.")
            time.sleep(PAUSE_SECONDS)
        say("haproxy.reloaded", slots=route_map.slot_count)

    def _answers(self, worker: Worker, before: int) -> bool:
        """Whether the worker's socket is that of another process than `before`."""
        try:
            return worker.info().pid != before
        except (OSError, KeyError):  # between two workers nobody listens for a moment
            return False

    def _check_configuration(self) -> None:
        words = [self.settings.haproxy, "-c", "-q", "-f", str(self.settings.config_path)]
        check = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if check.returncode:
            raise Unavailable(f"HAProxy refuses its configuration: {check.stderr[-1000:]}")
