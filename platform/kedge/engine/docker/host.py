"""Running a program of the engine's host: directly, or through a container in its network.

The second way is for installations without root (the user may use Docker, but not iptables) and
for a control plane that is itself a container.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Protocol

import docker.errors

from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine, translated
from kedge.errors import RuntimeDown

RUN_SECONDS = 30
HOST_FILES = "/host"
# The host's own program is run, not one of the image: iptables comes in two kinds that do not mix.
ENTER_HOST = ("chroot", HOST_FILES)
# /run is writable for iptables' lock file alone.
HOST_BINDS = ("/:/host:ro", "/run:/host/run:rw")
FEED = 'printf %s "$KEDGE_INPUT" | "$@"'


class Host(Protocol):
    """Where the engine's containers have their network."""

    def run(self, argv: Sequence[str], given: str = "") -> str:
        """Run a program, `given` on its standard input; what it printed.

        Raises:
            RuntimeDown: it is not there, failed or took too long.
        """


class ThisHost:
    """This very host; needs root."""

    def run(self, argv: Sequence[str], given: str = "") -> str:
        """Run a program here."""
        try:
            done = subprocess.run(
                argv, input=given, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeDown(f"{argv[0]} could not be run: {error}") from error
        if done.returncode != 0:
            raise RuntimeDown(f"{argv[0]} failed: {done.stderr.strip()[:500]}")
        return done.stdout


class HostThroughContainer:
    """The engine's host, entered by a short-lived container of the stack image."""

    def __init__(self, engine: Engine, image: str) -> None:
        self._engine = engine
        self._image = image

    def run(self, argv: Sequence[str], given: str = "") -> str:
        """Run a program of the engine's host in the host's network."""
        api = self._engine.api
        with translated(f"run {argv[0]} on its host"):
            made = api.create_container(
                self._image,
                [*ENTER_HOST, "sh", "-c", FEED, "sh", *argv],
                user="0",
                environment={"KEDGE_INPUT": given},
                labels={labels.HOME: self._engine.installation, labels.KIND: "helper"},
                host_config=api.create_host_config(
                    network_mode="host",
                    binds=list(HOST_BINDS),
                    cap_drop=["ALL"],
                    cap_add=["NET_ADMIN", "NET_RAW", "SYS_CHROOT", "DAC_OVERRIDE"],
                ),
            )["Id"]
            try:
                return self._outcome(made, argv[0])
            finally:
                api.remove_container(made, force=True, v=True)

    def _outcome(self, container: str, program: str) -> str:
        api = self._engine.api
        api.start(container)
        status = api.wait(container, timeout=RUN_SECONDS)["StatusCode"]
        printed: bytes = api.logs(container, stdout=True, stderr=False)
        if status != 0:
            said = api.logs(container, stdout=False, stderr=True).decode(errors="replace")
            raise RuntimeDown(f"{program} failed on the engine's host: {said.strip()[:500]}")
        return printed.decode(errors="replace")


def image_is_there(engine: Engine, image: str) -> bool:
    """Whether the engine has an image of that name."""
    with translated("look for an image"):
        try:
            engine.api.inspect_image(image)  # type: ignore[no-untyped-call]
        except docker.errors.NotFound:
            return False
    return True
