"""One part by itself, in the foreground: what a container of `docker-compose.yml` runs.

The supervisor there is Docker's; folders, commands and variables are those of `kedge up`.
"""

from __future__ import annotations

import os
import shlex
import time
from typing import NoReturn

from kedge.errors import StartRefused
from kedge.home import environment as variables
from kedge.home import foundation, postgres, probes, procfile, redis
from kedge.home import installation as installations
from kedge.home.installation import Installation
from kedge.home.parts import of, probe_of

SERVER_SECONDS = 60.0


def run(installation: Installation, name: str) -> NoReturn:
    """Become the part.

    Raises:
        StartRefused: there is no such part, or what it needs is missing.
    """
    processes = procfile.read(procfile.OWN)
    environment = variables.of_parts(installation, os.environ)
    if name == "release":
        installations.remember(installation)
        _wait_for_servers(installation)
    if name in {"haproxy", "router"}:
        ground = foundation.ask(environment, engine="dynos" in processes)
        environment |= variables.of_router(installation, ground.gateways)
    line = _command(installation, name, processes)
    os.execvpe("/bin/sh", ["/bin/sh", "-c", f"exec {line}"], environment)  # noqa: S606 - it is ours


def _command(installation: Installation, name: str, processes: dict[str, str]) -> str:
    if name == "postgres":
        return shlex.join(postgres.prepare(installation))
    if name == "redis":
        return shlex.join(redis.prepare(installation))
    commands = {part.name: part.command for part in of(installation, processes)}
    line = processes.get(name) or commands.get(name)
    if not line:
        known = ", ".join([*processes, *(part for part in commands if part not in processes)])
        raise StartRefused(f"There is no part {name}.", f"There are: {known}.")
    return line


def _wait_for_servers(installation: Installation) -> None:
    """Wait until PostgreSQL and Redis answer, which start at the same time."""
    deadline = time.monotonic() + SERVER_SECONDS
    for name in ("postgres", "redis"):
        probe = probe_of(name, installation)
        while probe and (trouble := probes.probed(probe)):
            if time.monotonic() > deadline:
                raise StartRefused(
                    f"{name} {trouble}.", f"Look at its log: docker compose logs {name}"
                )
            time.sleep(0.2)
