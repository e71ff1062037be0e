"""One part by itself, in the foreground: what a container of `docker-compose.yml` runs.

The supervisor there is Docker; folders, commands and variables are those of `kedge up`. Of what
`kedge up` does around the parts, `prepare` is the beginning and `keep_certificate` the rest.
"""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import NoReturn

from kedge.errors import StartRefused
from kedge.home import environment as variables
from kedge.home import foundation, ports, postgres, probes, procfile, redis, renewal
from kedge.home import installation as installations
from kedge.home.installation import Installation, write_private
from kedge.home.parts import of, probe_of
from kedge.home.signals import Signals
from kedge.home.start import Say

SERVER_SECONDS = 60.0


def prepare(installation: Installation) -> None:
    """Make what every part relies on, and write down where dynos reach the router.

    Only this, the builds and the dynos speak to the engine; the router's container does not.

    Raises:
        StartRefused: an image is missing, or something cannot be made.
        RuntimeDown: the engine does not answer, or its firewall cannot be set.
    """
    _refuse_missing_images(installation)
    ground = foundation.lay(installation, engine=True)
    write_private(_gateways(installation), "".join(f"{address}\n" for address in ground.gateways))
    installations.remember(installation)


def run(installation: Installation, name: str) -> NoReturn:
    """Become the part.

    Raises:
        StartRefused: there is no such part, or what it needs is missing.
    """
    processes = procfile.read(procfile.OWN)
    installation.ready_file(name).unlink(missing_ok=True)
    environment = variables.of_parts(installation, os.environ)
    if name == "release":
        _wait_for_servers(installation)
    if name == "haproxy":
        # It shares its ports with whoever else has them, and each would get half of the requests.
        _refuse_taken_ports(installation)
    if name in {"haproxy", "router"}:
        gateways = _gateways(installation).read_text().split()
        environment |= variables.of_router(installation, gateways)
    line = _command(installation, name, processes)
    os.execvpe("/bin/sh", ["/bin/sh", "-c", f"exec {line}"], environment)  # noqa: S606 - it is ours


def keep_certificate(installation: Installation, say: Say) -> None:
    """Renew the platform's own certificate when it is time, until a signal ends it."""
    environment = variables.of_parts(installation, os.environ)
    with Signals() as signals:
        while not signals.wait(renewal.LOOK_SECONDS):
            renewal.renew(installation, environment, say)


def _refuse_missing_images(installation: Installation) -> None:
    from kedge.engine.docker.client import Engine  # the SDK is slow to load
    from kedge.engine.docker.host import image_is_there

    settings = installation.settings
    engine = Engine(settings.docker_host, installation.id)
    for image in settings.images:
        if not image_is_there(engine, image):
            raise StartRefused(
                f"The engine has no image {image}, which apps or add-ons need.",
                "Make it on this machine: make stack",
            )


def _refuse_taken_ports(installation: Installation) -> None:
    settings = installation.settings
    for port in ports.wanted(settings):
        if port.setting != "rendezvous_port":  # that is the dynos' part's
            ports.refuse(port, settings.bind)


def _gateways(installation: Installation) -> Path:
    return installation.home / "gateways"


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
