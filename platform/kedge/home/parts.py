"""The parts of an installation: what each runs, in which order they stop, and how each is asked.

`kedge up` makes the list from the Procfile. To the processes it names come the servers they need:
PostgreSQL and Redis always, HAProxy where there is a `router`, the Docker engine where there are
`dynos`. A part without a command is somebody else's, and is only looked at.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kedge.home import postgres, probes, redis
from kedge.home.installation import Installation

# They stop in this order, each group at once: 7 + 2 + 3 seconds at the most, of the 15 there are.
Group = Literal["platform", "edge", "servers"]
GROUPS: tuple[Group, ...] = ("platform", "edge", "servers")
PYTHON = shlex.quote(sys.executable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part. `command` is a shell line, None for what runs without us."""

    name: str
    group: Group
    command: str | None
    # To die sooner than this is to fail to start, which is tried again with growing pauses.
    start_seconds: int = 1
    stop_signal: str = "TERM"
    stop_seconds: int = 7


def of(installation: Installation, processes: Mapping[str, str]) -> list[Part]:
    """The parts in the order they start in; a private server's command is filled in later."""
    parts = [_server("postgres", installation.settings.database_url)]
    parts.append(_server("redis", installation.settings.redis_url))
    if "dynos" in processes:
        parts.append(Part(name="docker", group="servers", command=None))
    if "router" in processes:
        command = f"{PYTHON} -m kedge_router haproxy"
        parts.append(
            Part(name="haproxy", group="edge", command=command, stop_signal="USR1", stop_seconds=2)
        )
    return parts + [_process(name, line) for name, line in processes.items() if name != "release"]


def _server(name: str, given_url: str) -> Part:
    # INT is PostgreSQL's fast shutdown: sessions are ended, nothing is lost.
    signal = "INT" if name == "postgres" else "TERM"
    command = None if given_url else ""
    return Part(name=name, group="servers", command=command, stop_signal=signal, stop_seconds=3)


def _process(name: str, line: str) -> Part:
    if name == "router":
        return Part(name=name, group="edge", command=line, stop_seconds=2)
    # Python with all its libraries may take seconds to come to its first error.
    return Part(name=name, group="platform", command=line, start_seconds=5)


def probe_of(part: str, installation: Installation) -> probes.Probe | None:
    """What tells whether the part answers; None for one that listens nowhere."""
    settings = installation.settings
    asked: dict[str, probes.Probe] = {
        "postgres": lambda: probes.postgres(postgres.url(installation)),
        "redis": lambda: probes.redis(redis.url(installation)),
        "docker": lambda: probes.engine(settings.docker_host),
        "web": lambda: probes.http_answer(probes.UnixHTTP(installation.web_socket), "/health"),
        "addons": lambda: probes.http_answer(
            probes.UnixHTTP(installation.addons_socket), "/health"
        ),
        "router": lambda: _connects(installation.router_dir / "agent.sock"),
        "haproxy": lambda: _connects(installation.router_dir / "admin.sock"),
    }
    return asked.get(part)


def _connects(socket: Path) -> None:
    probes.unix(socket).close()
