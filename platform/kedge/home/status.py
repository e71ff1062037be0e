"""What runs and what answers, part by part: `kedge status`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import kedge
from kedge.home import probes
from kedge.home.installation import Installation
from kedge.home.parts import Part, probe_of
from kedge.home.supervisor import Process, Supervisor

State = Literal["up", "starting", "down"]
ENGINE_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part as it is now. `detail` says in words what is wrong, None when nothing is."""

    name: str
    state: State
    since: dt.datetime | None
    pid: int | None
    detail: str | None

    def as_json(self) -> dict[str, Any]:
        """The part as the contract gives it; `since` is ISO 8601 in UTC."""
        since = self.since.strftime("%Y-%m-%dT%H:%M:%SZ") if self.since else None
        return {
            "name": self.name,
            "state": self.state,
            "since": since,
            "pid": self.pid,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """The whole installation as it is now; `ready` when every part is up."""

    url: str
    https_url: str
    parts: tuple[PartStatus, ...]
    version: str = kedge.__version__

    @property
    def ready(self) -> bool:
        """Whether every part is up."""
        return all(part.state == "up" for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """What `kedge status --json` prints."""
        return {
            "ready": self.ready,
            "url": self.url,
            "https_url": self.https_url,
            "version": self.version,
            "parts": [part.as_json() for part in self.parts],
        }


def observe(installation: Installation, parts: Sequence[Part]) -> Status:
    """Look at every part, and ask each that can be asked."""
    processes = Supervisor(installation).processes()
    seen = tuple(look(installation, part, processes) for part in parts)
    return Status(installation.url, installation.https_url, seen)


def of_nothing(url: str, https_url: str, parts: Sequence[str]) -> Status:
    """The status of a home nothing was ever started in."""
    words = "nothing was ever started in this home"
    seen = tuple(PartStatus(name, "down", None, None, words) for name in parts)
    return Status(url, https_url, seen)


def look(installation: Installation, part: Part, processes: Mapping[str, Process]) -> PartStatus:
    """One part as it is now."""
    if part.command is None:
        return _look_outside(installation, part)
    process = processes.get(part.name)
    if process is None:
        return PartStatus(part.name, "down", None, None, "not started")
    if process.state in {"STARTING", "RUNNING"}:
        return _look_at_running(installation, part, process)
    state: State = "starting" if process.state == "BACKOFF" else "down"
    return PartStatus(part.name, state, process.since, process.pid, process.words)


def _look_at_running(installation: Installation, part: Part, process: Process) -> PartStatus:
    probe = probe_of(part.name, installation)
    if probe:
        trouble = probes.probed(probe)
    else:
        is_up = process.state == "RUNNING" or installation.ready_file(part.name).exists()
        trouble = None if is_up else "has just been started"
    state: State = "starting" if trouble else "up"
    return PartStatus(part.name, state, process.since, process.pid, trouble)


def _look_outside(installation: Installation, part: Part) -> PartStatus:
    probe = probe_of(part.name, installation)
    trouble = probes.probed(probe) if probe else None
    since = _since_of_outside(installation, part.name)
    return PartStatus(part.name, "down" if trouble else "up", since, None, trouble)


def _since_of_outside(installation: Installation, name: str) -> dt.datetime | None:
    """Since when: the engine's start where its socket tells, else since we look."""
    local = name == "docker" and not installation.settings.docker_host
    socket = ENGINE_SOCKET if local else installation.supervisor_socket
    try:
        return dt.datetime.fromtimestamp(socket.stat().st_mtime, dt.UTC)
    except OSError:
        return None
