"""A runtime under test and what to ask of it; the real one on an installation of its own."""

from __future__ import annotations

import io
import secrets
import socket
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kedge.engine.protocols import ContainerSpec, Runtime, SlugImage, SlugStore
from kedge.engine.slugs import DiskSlugStore, slug_of
from kedge.settings import Settings

# The same behaviour in the words of each runtime.
REAL_COMMANDS = {
    "serve": "exec python3 -m http.server 5000",
    "serve inside": "exec python3 -m http.server --bind 127.0.0.1 5000",
    "stubborn": "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    "hang": "sleep 1000",
    "copy": "cat",
    "say and end": "echo one; echo two; exit 3",
    "say and hang": "echo one; sleep 1000",
    "tell": "echo $WHO",
}
FAKE_COMMANDS = {
    "serve": "listen 5000; hang",
    "serve inside": "listen-inside 5000; hang",
    "stubborn": "ignore TERM; echo ready; hang",
    "hang": "hang",
    "copy": "cat",
    "say and end": "echo one; echo two; exit 3",
    "say and hang": "echo one; hang",
    "tell": "env WHO",
}


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A slug layer with these files below app/."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"app/{name}")
            info.size, info.uid, info.gid = len(content), 1000, 1000
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def free_port() -> int:
    """A port nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What the condition gives as soon as it is true; fails after a while."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


@dataclass
class Lab:
    """A runtime under test and what to ask of it."""

    runtime: Runtime
    slugs: SlugStore
    commands: Mapping[str, str]
    made: list[str] = field(default_factory=list)

    def slug(self, **files: bytes) -> SlugImage:
        """A slug of one layer."""
        return slug_of([self.slugs.add(io.BytesIO(tar_of(files or {"a": b"a"})), "source")])

    def spec(self, doing: str, **changes: Any) -> ContainerSpec:
        """A dyno that does one of `commands`, or any other command."""
        facts: dict[str, Any] = {
            "dyno_id": uuid4(),
            "app_id": uuid4(),
            "app_name": "demo",
            "kind": "dyno",
            "name": "web.1",
            "release_version": 7,
            "slug": None,
            "command": self.commands.get(doing, doing),
            "env": {"PORT": "5000"},
            "memory_mb": 128,
            "cpu_shares": 256,
            "cpus": 1.0,
            "pids": 64,
        }
        return ContainerSpec(**{**facts, **changes})

    def create(self, doing: str, **changes: Any) -> str:
        """A container of that dyno, removed after the test."""
        self.made.append(self.runtime.create(self.spec(doing, **changes)))
        return self.made[-1]

    def run(self, doing: str, **changes: Any) -> str:
        """The same, started."""
        runtime_id = self.create(doing, **changes)
        self.runtime.start(runtime_id)
        return runtime_id

    def status(self, runtime_id: str) -> str | None:
        """Its state, None when it is gone."""
        found = self.runtime.container(runtime_id)
        return found.status if found else None

    def wait_for_exit(self, runtime_id: str) -> int | None:
        """Its exit status."""
        wait_until(lambda: self.status(runtime_id) == "exited")
        found = self.runtime.container(runtime_id)
        assert found is not None
        return found.exit_status

    def outcome(self, command: str, **changes: Any) -> list[str]:
        """What a command writes in a dyno of its own until its end."""
        runtime_id = self.run(command, **changes)
        return [line.text for line in self.runtime.output(runtime_id, since_ns=0, follow=True)]

    def output(self, runtime_id: str) -> list[str]:
        """All lines so far."""
        return [line.text for line in self.runtime.output(runtime_id, since_ns=0, follow=False)]


@pytest.fixture(scope="session")
def docker_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str]]:
    """Settings and id of an installation on the real engine; nothing of it stays."""
    from kedge.engine.docker.client import Engine
    from kedge.engine.docker.host import image_is_there
    from kedge.engine.docker.traces import remove_all
    from kedge.errors import RuntimeDown

    settings = Settings(
        home=tmp_path_factory.mktemp("home"), http_port=free_port(), https_port=free_port()
    )
    installation = secrets.token_hex(6)
    engine = Engine(settings.docker_host, installation)
    try:
        there = image_is_there(engine, settings.stack_run_image)
    except RuntimeDown:
        pytest.skip("no Docker engine answers")
    if not there:
        pytest.skip("the stack images are not there: kedge stack build")
    yield settings, installation
    remove_all(settings, installation)


@pytest.fixture(scope="session")
def docker_runtime(docker_home: tuple[Settings, str]) -> Any:
    """The real runtime and its slug store."""
    from kedge.engine.docker.runtime import DockerRuntime

    settings, installation = docker_home
    slugs = DiskSlugStore(settings.home / "slugs")
    return DockerRuntime(settings, installation, slugs), slugs


@pytest.fixture
def docker_lab(docker_runtime: Any) -> Iterator[Lab]:
    """The real runtime alone."""
    runtime, slugs = docker_runtime
    lab = Lab(runtime, slugs, REAL_COMMANDS)
    yield lab
    for runtime_id in lab.made:
        lab.runtime.remove(runtime_id)


@pytest.fixture(scope="session")
def shared_builder(
    docker_home: tuple[Settings, str], docker_runtime: Any, tmp_path_factory: Any
) -> Any:
    """The real builder, with the stand-in runner, its volumes filled once."""
    from contract.builds import docker_builder

    settings, installation = docker_home
    _, slugs = docker_runtime
    builder = docker_builder(settings, installation, slugs, tmp_path_factory.mktemp("builder"))
    yield builder
    builder.close()


@pytest.fixture
def docker_builds(
    docker_home: tuple[Settings, str], docker_runtime: Any, shared_builder: Any, tmp_path: Path
) -> Any:
    """Builds by the real builder."""
    from contract.builds import BuildLab

    settings, installation = docker_home
    _, slugs = docker_runtime
    return BuildLab(shared_builder, slugs, tmp_path, settings, installation)
