"""Builds as Docker containers: the `Builder` of the protocols."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import docker.errors
import structlog

from kedge.engine.docker import buildresult
from kedge.engine.docker.buildpool import BuildPool
from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.images import Images
from kedge.engine.protocols import BuildSpec, Built, SlugImage, SlugStore
from kedge.errors import (
    BuildCancelled,
    BuildFailed,
    BuildOutOfMemory,
    BuildOutOfTime,
    KedgeError,
    SlugTooLarge,
)
from kedge.settings import Settings

log = structlog.get_logger()
# The checkout's folder: platform/kedge/engine/docker/builder.py is four below.
BUILDPACKS = Path(__file__).parents[4] / "buildpacks"
REAP_SECONDS = 30
REMOVED = "The build's container was removed while it ran."
# What a build has made is started at once, and has the processors first. Then what is left of the
# build goes, and the next one's container is started.
AFTERWARDS_SECONDS = 1.0


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
        *,
        afterwards_seconds: float = AFTERWARDS_SECONDS,
        stands_by: bool = True,
    ) -> None:
        """`stands_by`: whether a container waits for the next build of the app built last."""
        self._settings = settings
        self._slugs = slugs
        self._engine = Engine(settings.docker_host, installation)
        self._images = Images(self._engine, settings.stack_run_image, slugs, settings.home)
        self._pool = BuildPool(
            self._engine,
            settings,
            buildpacks,
            afterwards_seconds=afterwards_seconds,
            stands_by=stands_by,
        )

    def build(
        self, spec: BuildSpec, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> Built:
        """Run one build; `emit` gets its output as it comes, `cancelled` is asked every second."""
        with self._pool.container(spec) as container:
            talk, began_at = container.talk, time.time()
            check = self._budget(cancelled)
            try:
                result = talk.result(emit, check)
                built = buildresult.receive(result, self._slugs, self._settings.slug_limit_mb)
                self._prepare(built.slug)
                talk.finish_screen(emit, check)
            except (BuildFailed, SlugTooLarge):
                talk.finish_screen(emit, check)
                talk.close()
                ended = self._ended(container.runtime_id, began_at)
                if ended.exit_status != 0 and ended.out_of_memory:
                    words = _out_of_memory_words(self._settings.build_memory_mb)
                    raise BuildOutOfMemory(words) from None
                raise
            return built

    def sweep(self, running: Callable[[], Collection[UUID]]) -> None:
        """End containers of builds that do not run (their worker died)."""
        self._pool.sweep(running)

    def forget_cache(self, app_id: UUID) -> None:
        """Drop the build cache of an app. Raises Conflict while a build of it runs."""
        self._pool.forget_cache(app_id)

    def close(self) -> None:
        """Leave no container behind that waits for a build."""
        self._pool.close()

    def forget_app(self, app_id: UUID) -> None:
        """Drop the build cache of an app that builds no more, and what else there is of it."""
        self._pool.forget_app(app_id)

    def _prepare(self, slug: SlugImage) -> None:
        """Make a slug startable while it becomes a release; whoever starts it makes sure of it."""

        def prepare() -> None:
            try:
                self._images.prepare(slug)
            except KedgeError as error:
                log.warning("build.image_not_prepared", reason=error.message)

        threading.Thread(target=prepare, name="build-image", daemon=True).start()

    def _budget(self, cancelled: Callable[[], bool]) -> Callable[[], None]:
        """What raises when a build that begins now may not go on."""
        deadline = time.monotonic() + self._settings.build_seconds

        def check() -> None:
            if cancelled():
                raise BuildCancelled("The build was cancelled.")
            if time.monotonic() >= deadline:
                raise BuildOutOfTime(_out_of_time_words(self._settings.build_seconds))

        return check

    def _ended(self, container: str, began_at: float) -> _Ended:
        api = self._engine.api
        with translated("see how a build ended"):
            try:
                api.wait(container, timeout=REAP_SECONDS)
                state = api.inspect_container(container)["State"]
            except docker.errors.NotFound as error:
                raise BuildFailed(REMOVED) from error
            if state["Status"] in {"removing", "dead"}:
                raise BuildFailed(REMOVED)
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
