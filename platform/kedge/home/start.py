"""The steps of a start, each of which either succeeds or says why not and what to do."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import kedge
from kedge.errors import StartRefused
from kedge.home import environment as variables
from kedge.home import foundation, orphans, ports, postgres, probes, redis, supervision, supervisor
from kedge.home.installation import Installation
from kedge.home.parts import Part, of, probe_of
from kedge.home.signals import Signals
from kedge.home.status import PartStatus, observe
from kedge.home.supervisor import Supervisor

READY_SECONDS = 60.0
LAST_LINES = 8
OURS = ("KEDGE_", "DATABASE_URL", "REDIS_URL", "DOCKER_")

Say = Callable[[str], None]


class Interrupted(Exception):
    """A stopping signal came before Kedge was ready."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What this start will run: the parts with their commands, and their variables."""

    installation: Installation
    parts: tuple[Part, ...]
    environment: Mapping[str, str]
    release: str | None

    @property
    def fingerprint(self) -> str:
        """Equal for two starts that would run the same code with the same settings."""
        ours = {name: value for name, value in self.environment.items() if name.startswith(OURS)}
        everything = [repr(self.parts), ours, kedge.__version__, _code_changed_at()]
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def plan(installation: Installation, processes: Mapping[str, str], say: Say) -> Plan:
    """Look whether everything is there that the parts need, and make what is made once.

    Raises:
        StartRefused: a program is missing, the data are another version's, the engine is away, …
    """
    parts = of(installation, processes)
    _refuse_missing_programs(parts)
    _refuse_engine_away(installation, parts)
    say("-----> Preparing the home")
    ready = tuple(replace(part, command=_command(installation, part)) for part in parts)
    environment = variables.of_parts(installation, os.environ)
    has_engine = any(part.name == "docker" for part in parts)
    ground = foundation.ask(environment, engine=has_engine)
    environment |= variables.of_router(installation, ground.gateways)
    return Plan(installation, ready, environment, processes.get("release"))


def take_over(plan: Plan, say: Say) -> bool:
    """Whether an earlier start's supervisor goes on; what cannot go on is ended."""
    left = Supervisor(plan.installation)
    if left.answers() and _was_made_by(plan):
        say("-----> Taking over what an earlier start left running")
        return True
    pids = orphans.find(plan.installation)
    if pids:
        say("-----> Ending what an earlier start left running")
        left.shut_down()
        orphans.end(pids)
    return False


def launch(plan: Plan) -> subprocess.Popen[bytes]:
    """Start the supervisor, with no part running yet."""
    supervision.write(plan.installation, plan.parts, plan.fingerprint)
    return supervisor.launch(plan.installation, plan.environment)


def supervisor_pid(plan: Plan) -> int:
    """The process id of the supervisor that runs."""
    return Supervisor(plan.installation).pid()


def refuse_taken_ports(plan: Plan) -> None:
    """Raises StartRefused for a port somebody else has."""
    if any(part.name == "haproxy" for part in plan.parts):
        ports.refuse_taken(plan.installation.settings)


def start_parts(plan: Plan, parts: Sequence[Part]) -> None:
    """Have these parts started, in their order; those that run already go on."""
    control = Supervisor(plan.installation)
    processes = control.processes()
    for part in parts:
        if part.name in processes:
            control.start(processes[part.name])


def servers_of(plan: Plan) -> list[Part]:
    """The parts everything else needs."""
    return [part for part in plan.parts if part.group == "servers"]


def release(plan: Plan, say: Say) -> None:
    """Run the Procfile's `release`, which brings the database up to date.

    Raises:
        StartRefused: it failed; with its last lines.
    """
    if plan.release is None:
        return
    say("-----> Bringing the database up to date")
    log = plan.installation.log_dir / "release.log"
    with log.open("ab") as file:
        ran = subprocess.run(
            ["/bin/sh", "-c", f"exec {plan.release}"],
            env=dict(plan.environment), cwd=plan.installation.home,
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False,
        )  # fmt: skip
    if ran.returncode:
        raise StartRefused(
            f"The database could not be brought up to date:\n{last_lines(log)}",
            f"Nothing else was started. The whole log is {log}.",
        )


def wait_until_up(plan: Plan, parts: Sequence[Part], signals: Signals) -> None:
    """Wait until these parts are up.

    Raises:
        StartRefused: one gave up, or does not answer in time.
        Interrupted: a stopping signal came.
    """
    deadline = time.monotonic() + READY_SECONDS
    while waiting := _not_up(plan, parts):
        failed = [part for part in waiting if part.state == "down"]
        if failed or time.monotonic() > deadline:
            raise _part_fails(plan.installation, (failed or waiting)[0])
        if signals.wait(0.1):
            raise Interrupted


def last_lines(log: Path) -> str:
    """The last lines of a log, indented."""
    try:
        with log.open(errors="replace") as file:
            return "".join(f"       {line}" for line in deque(file, LAST_LINES)).rstrip()
    except OSError:
        return "       (it wrote nothing)"


def _command(installation: Installation, part: Part) -> str | None:
    """The part's command, with that of a private server made now."""
    if part.command != "":
        return part.command
    prepare = {"postgres": postgres.prepare, "redis": redis.prepare}[part.name]
    return shlex.join(prepare(installation))


def _refuse_missing_programs(parts: Sequence[Part]) -> None:
    is_there = shutil.which(
        "haproxy", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin"
    )
    if any(part.name == "haproxy" for part in parts) and not is_there:
        raise StartRefused(
            "HAProxy is not installed on this machine.",
            "Run `make setup`, or install the Debian package haproxy.",
        )


def _refuse_engine_away(installation: Installation, parts: Sequence[Part]) -> None:
    probe = probe_of("docker", installation)
    trouble = (
        probes.probed(probe) if probe and any(part.name == "docker" for part in parts) else None
    )
    if trouble:
        where = installation.settings.docker_host or "unix:///var/run/docker.sock"
        raise StartRefused(
            f"The Docker engine at {where} {trouble}.",
            "Start it: `sudo systemctl start docker`, or `bin/engine` without an init system. "
            "If it runs, you may not use it: `sudo usermod -aG docker $USER`, then log in again.",
        )


def _was_made_by(plan: Plan) -> bool:
    try:
        written = supervision.path(plan.installation).read_text()
    except OSError:
        return False
    return written == supervision.render(plan.installation, plan.parts, plan.fingerprint)


def _code_changed_at() -> float:
    packages = Path(kedge.__file__).parents[2]
    return max(file.stat().st_mtime for file in packages.glob("*/kedge*/**/*.py"))


def _not_up(plan: Plan, parts: Sequence[Part]) -> list[PartStatus]:
    return [part for part in observe(plan.installation, parts).parts if part.state != "up"]


def _part_fails(installation: Installation, part: PartStatus) -> StartRefused:
    log = installation.log_dir / f"{part.name}.log"
    why = "does not start" if part.state == "down" else f"is not up after {READY_SECONDS:.0f} s"
    return StartRefused(
        f"{part.name} {why}: {part.detail}. Its last lines:\n{last_lines(log)}",
        f"The whole log is {log}; `kedge doctor` shows more.",
    )
