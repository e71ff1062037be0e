"""Where build containers come from, and where they go: one for each build, and one that waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import docker.errors
import structlog

from kedge.engine.docker import buildcontainer, labels
from kedge.engine.docker.buildcontainer import BuildVolumes
from kedge.engine.docker.buildtalk import Talk
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.firewall import name_servers
from kedge.engine.docker.site import Site
from kedge.engine.docker.standby import STANDBY_SECONDS, Standby, Started, Wanted
from kedge.engine.docker.volumes import Volumes
from kedge.engine.protocols import BuildSpec
from kedge.errors import KedgeError, RuntimeDown
from kedge.settings import Settings

log = structlog.get_logger()
# Older than this, one that waits is nobody's: who started it would have ended it.
ABANDONED_SECONDS = STANDBY_SECONDS + 60


class BuildPool:
    """The build containers of one installation on one engine; safe for several threads.

    The container of a build that went well goes `afterwards_seconds` later. Where one `stands_by`,
    the next one's is started then.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        buildpacks: Path,
        *,
        afterwards_seconds: float,
        stands_by: bool,
    ) -> None:
        self._engine, self._settings, self._buildpacks = engine, settings, buildpacks
        self._afterwards_seconds, self._stands_by = afterwards_seconds, stands_by
        self._site = Site(engine, settings)
        self._volumes = Volumes(engine, settings.stack_build_image, settings.home / "volumes.lock")
        self._standby = Standby(self._end)
        self._done: dict[UUID, Started] = {}
        self._ending = threading.Lock()

    @contextmanager
    def container(self, spec: BuildSpec) -> Iterator[Started]:
        """A build's container with its order given; it goes afterwards, whatever happens."""
        self._end_done(spec.app_id)
        wanted = self._wanted(spec)
        name = self._name(wanted, spec.build_id)
        waiting = self._standby.take(wanted)
        container = waiting or self._started(wanted, name)
        try:
            container.talk.give(buildcontainer.order(spec, self._settings))
            if waiting is not None:
                self._rename(container, name)
            yield container
            self._done[spec.app_id] = container
        except BaseException:
            self._end(container)
            raise
        finally:
            timer = threading.Timer(self._afterwards_seconds, self._afterwards, (wanted,))
            timer.daemon = True
            timer.start()

    def sweep(self, running: Callable[[], Collection[UUID]]) -> None:
        """End containers of builds that do not run (their worker died).

        Which do is asked after the containers are listed: one that begins meanwhile is left alone.

        One that waits ends with the worker it waits for by itself, and is removed here.
        """
        self._standby.drop(older_than=STANDBY_SECONDS)
        listed = self._listed()
        keys = {labels.build_key(build_id) for build_id in running()}
        for container in listed:
            key = container["Names"][0].rpartition("-")[2]
            is_wanted = _may_be_waited_for(container) if key == labels.NEXT else key in keys
            if not is_wanted:
                self._remove(container["Id"])

    def forget_cache(self, app_id: UUID) -> None:
        """Drop the build cache of an app. Raises Conflict while a build of it runs."""
        self._end_done(app_id)
        self._standby.drop(app_id)
        self._volumes.forget_cache(app_id)

    def forget_app(self, app_id: UUID) -> None:
        """The same for an app that builds no more, with what another process has of it."""
        for container in self._listed(app_id=str(app_id)):
            self._remove(container["Id"])
        self._volumes.forget_cache(app_id)

    def close(self) -> None:
        """Leave no container behind that waits for a build, or that one is done with."""
        self._standby.close()
        with self._ending:
            while self._done:
                self._end(self._done.popitem()[1])

    # --- the container of a build ---

    def _wanted(self, spec: BuildSpec) -> Wanted:
        network = self._site.ensure()
        volumes = BuildVolumes(
            cache=self._volumes.cache(spec.app_id),
            buildpacks=self._volumes.buildpacks(self._buildpacks),
            tools=self._volumes.tools(),
        )
        request = buildcontainer.request(
            self._engine.api, self._settings, network=network, volumes=volumes, stack=spec.stack
        )
        ground = (network.network_id, self._image_id(), name_servers())
        return Wanted(spec.app_id, spec.app_name, request, ground)

    def _image_id(self) -> str:
        with translated("look for the build image"):
            found: dict[str, Any] = self._engine.api.inspect_image(  # type: ignore[no-untyped-call]
                self._settings.stack_build_image
            )
        return str(found["Id"])

    def _started(self, wanted: Wanted, name: str) -> Started:
        with translated(f"make a build container for {wanted.app_name}"):
            self._remove(name)  # left by a worker that died
            made = self._engine.api.create_container(
                name=name,
                labels=labels.of_build(self._engine.installation, wanted.app_name, wanted.app_id),
                **wanted.request,
            )
        container = str(made["Id"])
        try:
            talk = Talk(self._engine, container)
            with translated("start a build"):
                self._engine.api.start(container)
        except BaseException:
            with suppress(RuntimeDown):
                self._remove(container)
            raise
        return Started(container, talk, wanted)

    def _name(self, wanted: Wanted, build_id: UUID | None) -> str:
        return labels.build_container_name(self._engine.installation, wanted.app_name, build_id)

    def _rename(self, container: Started, name: str) -> None:
        """From now on it is the build's: who sweeps tells by the name."""
        with translated("name a build's container"):
            self._remove(name)
            self._engine.api.rename(container.runtime_id, name)

    def _end_done(self, app_id: UUID) -> None:
        """What a build of the app left running must not see the next one's files."""
        with self._ending:
            if container := self._done.pop(app_id, None):
                self._end(container)

    def _end(self, container: Started) -> None:
        container.talk.close()
        with suppress(RuntimeDown):  # `sweep` finds it when the engine is back
            self._remove(container.runtime_id)

    def _remove(self, container: str) -> None:
        with translated("remove a build's container"):
            try:
                self._engine.api.remove_container(container, v=True, force=True)
            except docker.errors.APIError as error:
                if status_of(error) not in {404, 409}:
                    raise

    def _listed(self, **narrowed: str) -> list[dict[str, Any]]:
        filters = labels.filters(self._engine.installation, kind="build", **narrowed)
        with translated("list builds"):
            found: list[dict[str, Any]] = self._engine.api.containers(all=True, filters=filters)
        return found

    # --- afterwards ---

    def _afterwards(self, wanted: Wanted) -> None:
        try:
            self._end_done(wanted.app_id)
            if self._stands_by and not self._standby.has(wanted):
                self._stand_by(wanted)
        except KedgeError as error:  # the next build starts its own
            log.warning("build.none_stands_by", app=wanted.app_name, reason=error.message)

    def _stand_by(self, wanted: Wanted) -> None:
        """Start a container ahead. Its app may be destroyed at any moment, with its cache."""
        if not self._volumes.has_cache(wanted.app_id):
            return
        started = self._started(wanted, self._name(wanted, None))
        if self._volumes.has_cache(wanted.app_id):
            self._standby.put(started)
        else:
            self._end(started)
            self._volumes.forget_cache(wanted.app_id)  # an empty one, made by the engine


def _may_be_waited_for(container: dict[str, Any]) -> bool:
    age_seconds = time.time() - container["Created"]
    return container["State"] in {"created", "running"} and age_seconds < ABANDONED_SECONDS
