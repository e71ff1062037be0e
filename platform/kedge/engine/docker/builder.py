"""Builds as Docker containers: the `Builder` of the protocols."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import docker.errors

from kedge.engine.docker import buildcontainer, buildresult, files, labels
from kedge.engine.docker.attach import DockerAttachment
from kedge.engine.docker.buildcontainer import BuildVolumes
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.site import Site
from kedge.engine.docker.volumes import Volumes
from kedge.engine.protocols import BuildSpec, Built, SlugStore
from kedge.errors import (
    BuildCancelled,
    BuildFailed,
    BuildOutOfMemory,
    BuildOutOfTime,
    RuntimeDown,
)
from kedge.settings import Settings

# The checkout's folder: platform/kedge/engine/docker/builder.py is four below.
BUILDPACKS = Path(__file__).parents[4] / "buildpacks"
ASK_SECONDS = 1.0
# Pieces of output waiting for `emit`; a slow one makes the build wait, not this process grow.
WAITING_PIECES = 64
REAP_SECONDS = 30
REMOVED = "The build's container was removed while it ran."


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a build's container ended."""

    exit_status: int
    out_of_memory: bool


class DockerBuilder:
    """Runs the builds of one installation on one Docker engine; safe for several threads."""

    def __init__(
        self,
        settings: Settings,
        installation: str,
        slugs: SlugStore,
        buildpacks: Path = BUILDPACKS,
    ) -> None:
        self._settings = settings
        self._slugs = slugs
        self._buildpacks = buildpacks
        self._engine = Engine(settings.docker_host, installation)
        self._site = Site(self._engine, settings)
        self._volumes = Volumes(
            self._engine, settings.stack_build_image, settings.home / "volumes.lock"
        )

    def build(
        self, spec: BuildSpec, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> Built:
        """Run one build; `emit` gets its output as it comes, `cancelled` is asked every second."""
        with self._container(spec) as container:
            ended = self._run(container, emit, cancelled)
            if ended.exit_status != 0 and ended.out_of_memory:
                raise BuildOutOfMemory(_out_of_memory_words(self._settings.build_memory_mb))
            try:
                return self._built(container, ended)
            except RuntimeDown:
                if self._is_gone(container):
                    raise BuildFailed(REMOVED) from None
                raise

    def _built(self, container: str, ended: _Ended) -> Built:
        """What the build says it made, with its layers kept."""

        def open_file(path: str) -> Any:
            return files.opened(self._engine, container, path)

        result = buildresult.read(open_file, buildcontainer.RESULT)
        buildresult.refuse(result)
        if ended.exit_status != 0:
            raise BuildFailed(f"The build ended with exit status {ended.exit_status}.")
        return buildresult.store(result, self._slugs, open_file, self._settings.slug_limit_mb)

    def _is_gone(self, container: str) -> bool:
        """Whether a container was removed, or is being: the engine answers with errors then."""
        with translated("look at a build's container"):
            try:
                state = self._engine.api.inspect_container(container)["State"]
            except docker.errors.NotFound:
                return True
        return state["Status"] in {"removing", "dead"}

    def sweep(self, running: Sequence[UUID]) -> None:
        """End containers of builds that are not in `running` (their worker died)."""
        keep = {str(build_id) for build_id in running}
        filters = labels.filters(self._engine.installation, kind="build")
        with translated("list builds"):
            found = self._engine.api.containers(all=True, filters=filters)
        for container in found:
            if container["Labels"].get(labels.BUILD_ID) not in keep:
                self._remove(container["Id"])

    def forget_cache(self, app_id: UUID) -> None:
        """Drop the build cache of an app. Raises Conflict while a build of it runs."""
        self._volumes.forget_cache(app_id)

    @contextmanager
    def _container(self, spec: BuildSpec) -> Iterator[str]:
        """The build's container, with all it needs in it; gone afterwards, whatever happens."""
        container = self._create(spec)
        try:
            files.put(self._engine, container, "/", buildcontainer.members(spec, self._settings))
            yield container
        finally:
            with suppress(RuntimeDown):  # `sweep` finds it when the engine is back
                self._remove(container)

    def _create(self, spec: BuildSpec) -> str:
        volumes = BuildVolumes(
            cache=self._volumes.cache(spec.app_id),
            buildpacks=self._volumes.buildpacks(self._buildpacks),
            tools=self._volumes.tools(),
        )
        wanted = buildcontainer.request(
            self._engine.api,
            self._settings,
            network=self._site.ensure(),
            volumes=volumes,
            stack=spec.stack,
        )
        name = labels.build_container_name(self._engine.installation, spec)
        with translated(f"make a build container for {spec.app_name}"):
            self._remove(name)  # left by a worker that died in the middle of this very build
            made = self._engine.api.create_container(
                name=name, labels=labels.of_build(self._engine.installation, spec), **wanted
            )
        return str(made["Id"])

    def _run(
        self, container: str, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> _Ended:
        began_at = time.time()
        attachment = DockerAttachment(self._engine, container)
        pieces = _pieces(attachment)
        try:
            with translated("start a build"):
                self._engine.api.start(container)
            self._watch(pieces, emit, cancelled)
        except BaseException:
            attachment.close()
            _drain(pieces)
            raise
        attachment.close()
        return self._ended(container, began_at)

    def _watch(
        self,
        pieces: queue.Queue[bytes],
        emit: Callable[[bytes], None],
        cancelled: Callable[[], bool],
    ) -> None:
        """Pass output on until its end; leave by an exception when it must not go on."""
        deadline = time.monotonic() + self._settings.build_seconds
        ask_at = time.monotonic() + ASK_SECONDS
        while True:
            with suppress(queue.Empty):
                piece = pieces.get(timeout=max(0.0, ask_at - time.monotonic()))
                if not piece:
                    return
                emit(piece)
            now = time.monotonic()
            if now >= ask_at:
                ask_at = now + ASK_SECONDS
                if cancelled():
                    raise BuildCancelled("The build was cancelled.")
                if now >= deadline:
                    raise BuildOutOfTime(_out_of_time_words(self._settings.build_seconds))

    def _ended(self, container: str, began_at: float) -> _Ended:
        api = self._engine.api
        with translated("see how a build ended"):
            try:
                api.wait(container, timeout=REAP_SECONDS)
                state = api.inspect_container(container)["State"]
            except docker.errors.NotFound as error:
                raise BuildFailed(REMOVED) from error
            out_of_memory = bool(state["OOMKilled"]) or (
                state["ExitCode"] != 0 and self._child_ran_out(container, began_at)
            )
        return _Ended(exit_status=state["ExitCode"], out_of_memory=out_of_memory)

    def _child_ran_out(self, container: str, began_at: float) -> bool:
        """A killed child does not always show in the container's state, but in the events."""
        events: Any = self._engine.api.events  # typed too narrowly: the API takes fractions
        found = events(
            since=f"{began_at:.9f}",
            until=f"{time.time():.9f}",
            decode=True,
            filters={"container": [container], "event": ["oom"]},
        )
        return any(True for _ in found)

    def _remove(self, container: str) -> None:
        with translated("remove a build's container"):
            try:
                self._engine.api.remove_container(container, v=True, force=True)
            except docker.errors.APIError as error:
                if status_of(error) not in {404, 409}:
                    raise


def _pieces(attachment: DockerAttachment) -> queue.Queue[bytes]:
    """What the build writes, read in a thread so that waiting for it can be cut short; b"" ends."""
    pieces: queue.Queue[bytes] = queue.Queue(WAITING_PIECES)

    def pump() -> None:
        while True:
            piece = attachment.receive()
            pieces.put(piece)
            if not piece:
                return

    threading.Thread(target=pump, name="build-output", daemon=True).start()
    return pieces


def _drain(pieces: queue.Queue[bytes]) -> None:
    """Let the reading thread come to its end."""
    while pieces.get():
        pass


def _out_of_memory_words(limit_mb: int) -> str:
    return (
        f"The build ran out of memory: a build may use {limit_mb} MB. Use fewer jobs at a time "
        "(config var MAKEFLAGS=-j1, or NODE_OPTIONS=--max-old-space-size for Node), "
        "or raise KEDGE_BUILD_MEMORY_MB on the server, and push again."
    )


def _out_of_time_words(limit_seconds: int) -> str:
    return (
        f"The build took longer than {limit_seconds} seconds and was ended. See above what it "
        "did last; if it needs the time, raise KEDGE_BUILD_SECONDS on the server and push again."
    )
