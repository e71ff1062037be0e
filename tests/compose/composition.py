"""A whole platform under test, run by compose: an image of this checkout, containers, volumes."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import docker
import httpx

from kedge.engine.docker.client import Engine
from kedge.engine.docker.site import Site
from kedge.settings import load
from system.installation import ROOT, Installation, sweep_engine, wait_until

# Kept from one run to the next: its layers are the cache of the next build.
IMAGE = "kedge/platform:tests"
PROJECT = re.compile(r"kdg(\d+)x[0-9a-f]{8}[_-]")  # the process that tests, and chance
BUNDLE = os.environ.get("SSL_CERT_FILE", "")


def compose_program() -> list[str]:
    """Compose as the distribution has it: a program of its own, or a part of docker's."""
    return ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]


def build_image() -> None:
    """Build the image; what an earlier run built goes, but for the layers they share."""
    environment = {**os.environ, "KEDGE_IMAGE": IMAGE}
    before = _image_id()
    done = subprocess.run(
        [ROOT / "bin" / "image"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if before and before != _image_id():
        with suppress(docker.errors.ImageNotFound, docker.errors.APIError):
            docker.from_env().images.remove(before)  # refused while another run's containers use it


def remove_the_dead() -> None:
    """Remove what compositions of a test run that was killed have left; it would run for ever."""
    engine = docker.from_env()
    for container in engine.containers.list(all=True, ignore_removed=True):
        if is_dead(container.name):
            with suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)
    for thing in [*engine.networks.list(), *engine.volumes.list()]:
        if is_dead(thing.name):
            with suppress(docker.errors.NotFound):
                thing.remove()


def is_dead(name: str) -> bool:
    """Whether it is named for a composition whose test process is no more."""
    found = PROJECT.match(name)
    return found is not None and not Path("/proc", found[1]).exists()


def _image_id() -> str | None:
    try:
        return str(docker.from_env().images.get(IMAGE).id)
    except docker.errors.ImageNotFound:
        return None


@dataclass
class Composition(Installation):
    """One project of compose, with names and ports of its own. `home` holds `ca.pem` alone."""

    project: str = field(default_factory=lambda: f"kdg{os.getpid()}x{secrets.token_hex(4)}")

    @property
    def environment(self) -> Mapping[str, str]:
        """What compose, and the commands that use the platform, are run with."""
        return {
            **super().environment,
            "KEDGE_HOME": str(self.home / "of-nobody"),
            "COMPOSE_PROJECT_NAME": self.project,
            "KEDGE_VOLUMES": self.project,
            "KEDGE_IMAGE": IMAGE,
            "KEDGE_CA_BUNDLE": BUNDLE,
            "KEDGE_URL": self.url,
            "KEDGE_API_KEY": self.__dict__.get("token", ""),
            "KEDGE_CA": str(self.home / "ca.pem"),
        }

    # --- the platform as a whole ---

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run compose on the checkout's own file."""
        done = subprocess.run(
            [*compose_program(), *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=180,
            check=False,
        )  # fmt: skip
        if check:
            words = f"compose {' '.join(arguments)} → {done.returncode}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, f"{words}\n{self.logs()}"
        return done

    def up(self) -> None:
        """Start it, and wait until it answers."""
        self.compose("up", "--detach", "--no-build")
        (self.home / "ca.pem").write_text(self.kept("ca.pem"))
        wait_until(self.answers, 60, "the API answers")

    def down(self, *arguments: str) -> None:
        """Remove the platform's containers and its network."""
        self.compose("down", *arguments)

    def answers(self) -> bool:
        """Whether the API does."""
        try:
            return self.api("GET", "/account").status_code == 200
        except httpx.TransportError:
            return False

    def kept(self, name: str) -> str:
        """A file of the volume; empty when it is not there."""
        command = ["docker", "run", "--rm", "--volume", f"{self.project}-home:/kept:ro"]
        command += ["--entrypoint", "cat", IMAGE, f"/kept/{name}"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    @cached_property
    def id(self) -> str:
        """The installation's id."""
        return self.kept("installation").strip()

    @cached_property
    def token(self) -> str:
        """The owner's token."""
        return self.kept("token").strip()

    def logs(self) -> str:
        """The end of what the services wrote, to see why a test failed."""
        return self.compose("logs", "--no-color", "--tail", "30", check=False).stdout

    def destroy(self) -> None:
        """Leave nothing behind but the image."""
        self.down("--timeout", "3")
        if self.id:
            for container in self.containers():
                container.remove(force=True, v=True)
            Site(Engine("", self.id), load({"KEDGE_HOME": "/nowhere"})).remove()
            sweep_engine(self.id)
        self.down("--volumes")
        shutil.rmtree(self.home, ignore_errors=True)


def left_of(project: str) -> list[str]:
    """Containers, volumes and networks that carry a project's name."""
    engine = docker.from_env()
    containers = engine.containers.list(all=True, ignore_removed=True)
    every = [*containers, *engine.volumes.list(), *engine.networks.list()]
    return [thing.name for thing in every if thing.name and thing.name.startswith(project)]
