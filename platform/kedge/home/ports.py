"""Ports on this machine: whether one can be had, and who has it."""

from __future__ import annotations

import errno
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kedge.errors import StartRefused
from kedge.settings import Settings, variable_of

LISTENING = "0A"
BELOW = "net.ipv4.ip_unprivileged_port_start"


@dataclass(frozen=True, slots=True)
class Port:
    """A port Kedge will listen on; `setting` is the field of Settings that names it."""

    number: int
    setting: str


def wanted(settings: Settings) -> list[Port]:
    """The ports of an installation."""
    return [
        Port(settings.http_port, "http_port"),
        Port(settings.https_port, "https_port"),
        Port(settings.rendezvous_port_in_use, "rendezvous_port"),
    ]


def refuse_taken(settings: Settings) -> None:
    """Raises StartRefused for the first port that cannot be had, saying who has it."""
    for port in wanted(settings):
        refuse(port, settings.bind)


def refuse(port: Port, bind: str) -> None:
    """Raises StartRefused when the port cannot be had, saying who has it."""
    problem = trouble_with(bind, port.number)
    if problem:
        raise StartRefused(problem, remedy(port, problem))


def trouble_with(bind: str, number: int) -> str | None:
    """Why nothing can listen there, in words; None when it can be had."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, number))
        except OSError as error:
            return _words(error, bind, number)
    return None


def remedy(port: Port, problem: str) -> str:
    """What to type when the port cannot be had."""
    other = f"{variable_of(port.setting)}={port.number + 1000} kedge up"
    if BELOW in problem:
        return f"Allow it: sudo sysctl {BELOW}={port.number}. Or choose another: {other}"
    return f"Free it, or choose another: {other}"


def _words(error: OSError, bind: str, number: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {number} is taken by {holder(number) or 'a process of another user'}."
    if error.errno == errno.EACCES:
        return f"Port {number} is root's (below {BELOW})."
    return f"Nothing can listen on {bind}, port {number}: {error.strerror}."


def holder(number: int) -> str | None:
    """Who listens on the port, as `nginx (pid 123)`; None when we may not see it."""
    inodes = _listening_inodes(number)
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and inodes & _socket_inodes(process):
            return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _listening_inodes(number: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == number:
                found.add(fields[9])
    return found


def _socket_inodes(process: Path) -> set[str]:
    names = []
    with suppress(OSError):  # gone, or another user's
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                names.append(str(entry.readlink()))
    return {match[1] for name in names if (match := re.match(r"socket:\[(\d+)\]", name))}
