"""Dynos as Docker containers: the `Runtime` of the protocols."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import docker.errors

from kedge.engine.docker import addon, dyno, happenings, labels, output
from kedge.engine.docker.attach import DockerAttachment
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.execution import DockerExecution
from kedge.engine.docker.images import Images
from kedge.engine.docker.observed import Observed
from kedge.engine.docker.site import Site
from kedge.engine.docker.sockets import listening_ports
from kedge.engine.docker.usage import Meter
from kedge.engine.protocols import (
    Container,
    ContainerSpec,
    Happening,
    OutputLine,
    SlugImage,
    SlugStore,
    Usage,
)
from kedge.errors import EngineRefused
from kedge.settings import Settings

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
GONE = frozenset({404, 409})  # no such container; it does not run (any more)


class DockerRuntime:
    """Runs the dynos of one installation on one Docker engine; safe for several threads."""

    def __init__(self, settings: Settings, installation: str, slugs: SlugStore) -> None:
        self._settings = settings
        self._engine = Engine(settings.docker_host, installation)
        self._site = Site(self._engine, settings)
        self._images = Images(self._engine, settings.stack_run_image, slugs, settings.home)
        self._observed = Observed(self._engine)
        self._meter = Meter(self._engine)
        # Starting is bound by the processor: more at a time only makes all of them later.
        self._starting = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    @property
    def site(self) -> Site:
        """Network and firewall of this installation."""
        return self._site

    def prepare(self, slug: SlugImage | None) -> None:
        """Make a slug startable; instantaneous when it is already."""
        if slug is not None:
            self._images.prepare(slug)

    def forget(self, slug_digest: str) -> None:
        """Drop the image of a slug; one in use stays until asked again."""
        self._images.forget(slug_digest)

    def prepared(self) -> set[str]:
        """Digests of slugs that are startable at once."""
        return self._images.prepared()

    def create(self, spec: ContainerSpec) -> str:
        """Make the container of a dyno, not started; the same one when called twice."""
        network = self._site.ensure()
        image = self._images.name_of(spec.slug.digest) if spec.slug else None
        wanted = dyno.request(
            self._engine.api,
            spec,
            image=image or self._settings.stack_run_image,
            network=network,
            ca_bundle=self._settings.host_ca_bundle,
            processors=self._engine.processors(),
        )
        with translated(f"make the container of {spec.app_name}'s {spec.name}", refusable=True):
            try:
                return self._make(spec, wanted)
            except docker.errors.ImageNotFound:
                if spec.slug is None:
                    raise
            except docker.errors.APIError as error:
                if status_of(error) != 404 or spec.slug is None:
                    raise
            self._images.prepare(spec.slug)
            return self._make(spec, wanted)

    def start(self, runtime_id: str) -> None:
        """Start a created container; one that runs is left alone."""
        self._site.ensure()
        with self._starting, translated("start a dyno", refusable=True):
            try:
                self._engine.api.start(runtime_id)
            except docker.errors.APIError as error:
                if "network" not in str(error.explanation):
                    raise
                # The network was removed since; it comes back under the same name.
                self._site.ensure(look=True)
                self._engine.api.start(runtime_id)
            finally:
                self._observed.changed(runtime_id)

    def containers(self) -> list[Container]:
        """Every container of this installation's dynos, whatever its state."""
        return self._observed.all()

    def container(self, runtime_id: str, *, fresh: bool = True) -> Container | None:
        """One container, None when it is gone; not `fresh`, as events and listings told it last."""
        return (None if fresh else self._observed.known(runtime_id)) or self._observed.one(
            runtime_id
        )

    def signal(self, runtime_id: str, name: Literal["TERM", "HUP", "KILL"]) -> None:
        """Send a signal to every process of a dyno (KILL: end the container). Gone is fine.

        Docker's own stop reaches the first process only, and a shell there keeps it to itself.
        """
        with translated(f"send SIG{name} to a dyno"):
            try:
                if name == "KILL" or not self._signal_all(runtime_id, name):
                    self._engine.api.kill(runtime_id, f"SIG{name}")
            except docker.errors.APIError as error:
                if status_of(error) not in GONE:
                    raise

    def remove(self, runtime_id: str) -> None:
        """Remove a container and its writable layer. Gone is fine."""
        with translated("remove a dyno's container"):
            try:
                self._engine.api.remove_container(runtime_id, v=True, force=True)
            except docker.errors.APIError as error:
                if status_of(error) not in GONE:
                    raise
        self._observed.changed(runtime_id)

    def output(self, runtime_id: str, *, since_ns: int, follow: bool) -> Iterator[OutputLine]:
        """The lines a dyno wrote from `since_ns` on, inclusive; with `follow` until it ends."""
        return output.lines(
            self._engine,
            runtime_id,
            since_ns=since_ns,
            follow=follow,
            runs=lambda: self._runs(runtime_id),
        )

    def attach(self, runtime_id: str) -> DockerAttachment:
        """The streams of a container, to be taken before it is started."""
        return DockerAttachment(self._engine, runtime_id)

    def execute(
        self, runtime_id: str, command: str, env: Mapping[str, str], *, tty: bool
    ) -> DockerExecution:
        """Make ready to run a command inside a running dyno, begun as the dyno's own was."""
        return DockerExecution(self._engine, runtime_id, command, env, tty=tty)

    def usage(self) -> Mapping[str, Usage]:
        """What each running container uses, by runtime id."""
        running = [each.runtime_id for each in self._observed.all() if each.status == "running"]
        return self._meter.usage(running)

    def listening(self, runtime_id: str) -> list[int]:
        """TCP ports the dyno listens on; those bound to loopback alone are negative."""
        tables = self._tables_of_process(runtime_id)
        if tables is None:
            tables = self._tables_by_exec(runtime_id)
        return listening_ports(tables.splitlines())

    def happenings(self) -> Iterator[Happening]:
        """Events as they come; ends when the engine goes away."""
        return happenings.stream(self._engine, self._observed.changed)

    def let_reach(self, addons: Mapping[UUID, frozenset[UUID]]) -> None:
        """Let each of these dynos reach the servers of these add-ons, and nobody any other."""
        self._site.open_ways(addon.openings(self._engine, addons) if addons else ())

    def tend(self) -> None:
        """Put back network and firewall where they are missing."""
        self._site.ensure()

    def ping(self) -> str:
        """The engine's version. Raises RuntimeDown."""
        with translated("say its version"):
            return str(self._engine.api.version()["Version"])

    def _make(self, spec: ContainerSpec, wanted: dict[str, Any]) -> str:
        name = labels.dyno_container_name(self._engine.installation, spec)
        try:
            made = self._engine.api.create_container(
                name=name, labels=labels.of_dyno(self._engine.installation, spec), **wanted
            )
        except docker.errors.APIError as error:
            if status_of(error) != 409:
                raise
            return self._adopt(name, spec)
        return str(made["Id"])

    def _adopt(self, name: str, spec: ContainerSpec) -> str:
        """The container that has the dyno's name already: ours when its label says so."""
        found = self._engine.api.inspect_container(name)
        if found["Config"]["Labels"].get(labels.DYNO_ID) != str(spec.dyno_id):
            words = f"Another container is called {name}. Remove it: docker rm -f {name}"
            raise EngineRefused(words)
        return str(found["Id"])

    def _runs(self, runtime_id: str) -> bool:
        found = self._observed.one(runtime_id)
        return found is not None and found.status == "running"

    def _signal_all(self, runtime_id: str, name: str) -> bool:
        """Whether a process inside could pass the signal on to all others."""
        api = self._engine.api
        try:
            made = api.exec_create(
                runtime_id, ["bash", "-c", f"kill -{name} -1"], user=dyno.DYNO_USER
            )
            api.exec_start(made["Id"])
            # The container may end before the answer is there: then all were reached.
            return api.exec_inspect(made["Id"])["ExitCode"] in {0, None}
        except docker.errors.APIError as error:
            if status_of(error) in GONE:
                raise
            return False  # no more processes allowed inside

    def _tables_of_process(self, runtime_id: str) -> str | None:
        """The kernel's tables read from outside: a hundredth of what an exec costs."""
        pid = self._observed.pid(runtime_id)
        process = Path(f"/proc/{pid}")
        try:
            if pid and runtime_id in (process / "cgroup").read_text():
                return "".join(Path(f"{process}{t[5:]}").read_text() for t in TABLES)
        except OSError:
            self._observed.changed(runtime_id)  # ended, or not ours to read
        return None

    def _tables_by_exec(self, runtime_id: str) -> str:
        api = self._engine.api
        with translated("look for a dyno's ports"), suppress(docker.errors.NotFound):
            try:
                made = api.exec_create(runtime_id, ["cat", *TABLES], user=dyno.DYNO_USER)
                return bytes(api.exec_start(made["Id"])).decode(errors="replace")
            except docker.errors.APIError as error:
                if status_of(error) not in GONE:
                    raise
        return ""
