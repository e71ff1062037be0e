"""HAProxy's runtime API: what a worker holds right now, and how it is told to change.

A worker answers commands on a unix socket. The current one has a socket of its own; those that
finish their last connections after a reload are reached through the master.
"""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .app import Address

ANSWER_SECONDS = 5.0
BATCH_BYTES = 12_000
"""Commands sent in one connection; HAProxy closes one that overruns its buffer, without a word."""

MAINT, DRAIN = 0x01, 0x08
"""The administrative states that are ours to set, in `show servers state`."""

MAPS = ("apps", "state", "hosts", "wild")
EXPECTED_WORDS = ("New server registered.", "Server deleted.")
SLOT = re.compile(r"slot_\d+")
STREAM_ON_SERVER = re.compile(r" be=(\S+) srv=(\S+) ")


@dataclass(frozen=True, slots=True)
class Server:
    """A server as a worker knows it."""

    address: Address
    number: int
    admin: int = 0

    @property
    def ready(self) -> bool:
        """Whether it gets new requests."""
        return not self.admin & (MAINT | DRAIN)

    @property
    def in_maintenance(self) -> bool:
        """Whether it gets none at all and keeps no idle connection."""
        return bool(self.admin & MAINT)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one worker routes: servers by slot and name, map values by map and key."""

    servers: Mapping[str, Mapping[str, Server]]
    maps: Mapping[str, Mapping[str, Sequence[str]]]

    @property
    def slots(self) -> frozenset[str]:
        """The slots the worker was started with."""
        return frozenset(self.servers)


@dataclass(frozen=True, slots=True)
class Info:
    """A worker's own account of itself."""

    pid: int
    version: str
    uptime_seconds: int
    dropped_logs: int


@dataclass(frozen=True, slots=True)
class Worker:
    """One HAProxy process that takes commands; raises OSError when it is not there."""

    socket: Path
    maps: Path
    prefix: str = ""
    """`@!PID ` for a worker behind the master's socket."""

    def ask(self, command: str) -> str:
        """The answer to one command."""
        return _exchange(self.socket, f"{self.prefix}{command}\n")

    def act(self, commands: Iterable[str]) -> list[str]:
        """Carry out `commands` in order; returns what HAProxy objected to."""
        return [
            line
            for batch in _batches(self.prefix + command for command in commands)
            for line in _exchange(self.socket, batch + "\n").splitlines()
            if line.strip() and line not in EXPECTED_WORDS
        ]

    def info(self) -> Info:
        """Pid, version, uptime, and log lines it could not write."""
        facts = dict(
            line.split(": ", 1) for line in self.ask("show info").splitlines() if ": " in line
        )
        return Info(
            pid=int(facts["Pid"]),
            version=facts["Version"],
            uptime_seconds=int(facts["Uptime_sec"]),
            dropped_logs=int(facts.get("DroppedLogs", "0")),
        )

    def ended_within(self, seconds: float) -> bool:
        """Wait; True as soon as it ends, or if it is not there.

        It is seen by a connection on which nothing is said: that costs less than to ask often.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            try:
                connection.connect(str(self.socket))
                return not connection.recv(1)
            except TimeoutError:
                return False
            except OSError:
                return True

    def observe(self) -> Observed:
        """All the worker routes at this moment."""
        backends = self.ask("show backend").split()
        servers: dict[str, dict[str, Server]] = {
            name: {} for name in backends if SLOT.fullmatch(name)
        }
        for slot, name, server in _servers(self.ask("show servers state")):
            if slot in servers:
                servers[slot][name] = server
        if not servers:
            raise ConnectionError("HAProxy's worker did not list its backends.")
        return Observed(servers, {name: self._map(name) for name in MAPS})

    def _map(self, name: str) -> dict[str, list[str]]:
        entries: dict[str, list[str]] = {}
        for line in self.ask(f"show map {self.maps}/{name}.map").splitlines():
            match line.split(" ", 2):
                case [_, key, value]:
                    entries.setdefault(key, []).append(value)
        return entries

    def hand_over(self) -> None:
        """Have a finishing worker pass what it has not begun to its successor; once is enough."""
        if not self._map("worker"):
            self.act([f"add map {self.maps}/worker.map worker finishing"])

    def cut(self, slot: str, server: str) -> None:
        """End all sessions on a server.

        A finishing worker takes that only one by one, as its servers can no more be spoken to.
        """
        if not self.prefix:
            self.act([f"shutdown sessions server {slot}/{server}"])
            return
        for line in self.ask("show sess").splitlines():
            if STREAM_ON_SERVER.findall(line) == [(slot, server)]:
                self.act([f"shutdown session {line.partition(':')[0]}"])

    def servers(self, slot: str) -> dict[str, Server]:
        """The servers of one slot, by name."""
        table = self.ask(f"show servers state {slot}")
        return {name: server for _, name, server in _servers(table)}

    def used_connections(self, slot: str) -> dict[str, int]:
        """Connections with a request on them, by server of `slot`."""
        used = {}
        for line in self.ask(f"show servers conn {slot}").splitlines():
            words = line.split()
            if len(words) > 6 and words[0].startswith(f"{slot}/"):
                used[words[0].partition("/")[2]] = int(words[6])
        return used

    def streams(self) -> dict[tuple[str, str], int]:
        """Requests and websockets by (slot, server), from the server's choice to the last byte.

        HAProxy holds its threads still while it lists them, so none is between two states.
        """
        listing = self.ask("show sess")
        if not listing.strip():  # it lists at least this very command
            raise ConnectionError("HAProxy's worker did not list its sessions.")
        count: dict[tuple[str, str], int] = {}
        for slot, server in STREAM_ON_SERVER.findall(listing):
            count[slot, server] = count.get((slot, server), 0) + 1
        return count


@dataclass(frozen=True, slots=True)
class Master:
    """The process that keeps HAProxy's workers."""

    socket: Path
    admin: Path
    maps: Path

    @property
    def current(self) -> Worker:
        """The worker that accepts connections."""
        return Worker(self.admin, self.maps)

    def finishing(self) -> list[Worker]:
        """Workers of before a reload that still have connections."""
        _, _, old = _exchange(self.socket, "show proc\n").partition("# old workers")
        pids = [words[0] for line in old.splitlines() if len(words := line.split()) > 1]
        return [Worker(self.socket, self.maps, f"@!{pid} ") for pid in pids if pid.isdigit()]

    def workers(self) -> list[Worker]:
        """The current worker, then the finishing ones."""
        return [self.current, *self.finishing()]

    def reload(self) -> None:
        """Ask for a new worker with the configuration on disk; returns before it is there."""
        _exchange(self.socket, "reload\n")


def _servers(table: str) -> Iterator[tuple[str, str, Server]]:
    """Slot, name and server of each line of `show servers state` (format 1)."""
    for line in table.splitlines():
        words = line.split()
        if len(words) > 18 and words[0].isdigit():
            address = Address(words[4], int(words[18]))
            yield words[1], words[3], Server(address, int(words[2]), int(words[6]))


def _batches(commands: Iterable[str]) -> Iterator[str]:
    """`commands` joined by semicolons, as many as one connection takes."""
    batch: list[str] = []
    size = 0
    for command in commands:
        if batch and size + len(command) > BATCH_BYTES:
            yield "; ".join(batch)
            batch, size = [], 0
        batch.append(command)
        size += len(command) + 2
    if batch:
        yield "; ".join(batch)


def _exchange(path: Path, text: str) -> str:
    """Send `text` on a connection of its own and read the answer to its end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(path))
        connection.sendall(text.encode())
        if path.name.startswith("master"):  # the master answers once nothing more can come
            connection.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while part := connection.recv(65536):
            answer += part
    return answer.decode("utf-8", "replace")
