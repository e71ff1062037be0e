"""The process supervisor: starting supervisord, and its orders over a unix socket."""

from __future__ import annotations

import datetime as dt
import http.client
import resource
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from supervisor.xmlrpc import SupervisorTransport

from kedge.errors import StartRefused
from kedge.home import supervision
from kedge.home.installation import Installation

START_SECONDS = 15.0
# Enough for the router's 8,000 connections; the whole of a container engine's limit (a thousand
# millions) makes programs that go through their files one by one stand still.
OPEN_FILES = 65536
AWAY = (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError, ExpatError)


@dataclass(frozen=True, slots=True)
class Process:
    """A part as the supervisor sees it. `state` is RUNNING, STARTING, BACKOFF, FATAL, STOPPED, …"""

    name: str
    group: str
    state: str
    pid: int | None
    since: dt.datetime | None
    words: str | None


class Supervisor:
    """A running supervisord of one installation."""

    def __init__(self, installation: Installation) -> None:
        url = f"unix://{installation.supervisor_socket}"
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, url))
        self._calls: Any = proxy.supervisor

    def answers(self) -> bool:
        """Whether it takes orders."""
        try:
            self.pid()
        except AWAY:
            return False
        return True

    def pid(self) -> int:
        """Its process id."""
        return int(self._calls.getPID())

    def processes(self) -> dict[str, Process]:
        """Every part it looks after, by name; empty when it does not answer."""
        try:
            return {info["name"]: _process(info) for info in self._calls.getAllProcessInfo()}
        except AWAY:
            return {}

    def start(self, process: Process) -> None:
        """Have a part started; one that has begun by itself meanwhile goes on."""
        try:
            self._calls.startProcess(f"{process.group}:{process.name}", False)
        except xmlrpc.client.Fault:
            # ALREADY_STARTED, or its program is missing, which shows in the part's state.
            return

    def shut_down(self) -> bool:
        """Tell it to stop all parts, in their order, and then itself; False when it is gone."""
        try:
            self._calls.shutdown()
        except xmlrpc.client.Fault:  # at it already
            return True
        except AWAY:
            return False
        return True


def launch(installation: Installation, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start supervisord with the configuration as written, and wait until it takes orders.

    Raises:
        StartRefused: it ended or did not answer; with its own words.
    """
    _raise_limit_on_open_files()
    complaints = installation.log_dir / "supervisor.err"
    command = [sys.executable, "-m", "kedge.home.nursery", "-n"]
    with complaints.open("wb") as file:
        child = subprocess.Popen(
            [*command, "-c", str(supervision.path(installation))],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=installation.home,
            start_new_session=True,  # a Ctrl-C in the terminal is for `kedge up` alone
        )
    _wait_until_it_answers(installation, child, complaints)
    return child


def _wait_until_it_answers(
    installation: Installation, child: subprocess.Popen[bytes], complaints: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        if Supervisor(installation).answers():
            return
        time.sleep(0.05)
    child.kill()
    child.wait()
    raise StartRefused(
        f"The process supervisor does not start: {complaints.read_text().strip()[-500:]}",
        f"Its log is {installation.log_dir / 'supervisor.log'}.",
    )


def _raise_limit_on_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _process(info: Mapping[str, Any]) -> Process:
    is_down = info["statename"] in {"STOPPED", "EXITED", "FATAL", "BACKOFF"}
    moment = info["stop"] if is_down else info["start"]
    return Process(
        name=info["name"],
        group=info["group"],
        state=info["statename"],
        pid=info["pid"] or None,
        since=dt.datetime.fromtimestamp(moment, dt.UTC) if moment else None,
        words=info["spawnerr"] or (info["description"] if is_down else None) or None,
    )
