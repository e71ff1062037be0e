"""What an installation has on its engine, and removing it: containers, images, volumes, network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import docker.errors

from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.site import Site
from kedge.errors import RuntimeDown
from kedge.settings import Settings

# Of what, how many are gone, of how many.
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume; `is_data` when what is in it cannot be made again (an add-on's)."""

    name: str
    is_data: bool


@dataclass(frozen=True, slots=True)
class Traces:
    """What an installation has on its engine: ids of containers and images, and its volumes."""

    containers: tuple[str, ...]
    images: tuple[str, ...]
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes on the engine's disk that only this installation takes."""

    images: int
    caches: int
    data: int


def find(engine: Engine) -> Traces:
    """What is there now. Raises RuntimeDown."""
    api, ours = engine.api, labels.filters(engine.installation)
    with translated("list an installation's containers, images and volumes"):
        containers = api.containers(all=True, filters=ours)
        images = api.images(filters=ours)
        volumes = api.volumes(filters=ours)["Volumes"] or []
    return Traces(
        tuple(each["Id"] for each in containers),
        tuple(each["Id"] for each in images),
        tuple(Volume(each["Name"], _is_data(each)) for each in volumes),
    )


def weigh(engine: Engine) -> Weight | None:
    """How much of the disk it takes; None where the engine cannot say in time, on a busy disk."""
    try:
        with translated("say what takes its disk"):
            used: dict[str, Any] = engine.api.df()
    except RuntimeDown:
        return None
    images = [each for each in used["Images"] or [] if _is_ours(engine, each)]
    volumes = [each for each in used["Volumes"] or [] if _is_ours(engine, each)]
    return Weight(
        images=sum(max(0, each["Size"] - max(0, each["SharedSize"])) for each in images),
        caches=_size_of(each for each in volumes if not _is_data(each)),
        data=_size_of(each for each in volumes if _is_data(each)),
    )


def remove_all(
    settings: Settings, installation: str, *, keep_data: bool = False, told: Told | None = None
) -> None:
    """Leave no trace of an installation on its engine; may be called again after a crash.

    Args:
        settings: which engine.
        installation: its id; nothing of another one is touched.
        keep_data: leave the volumes of add-ons.
        told: hears of each thing that is gone.

    Raises:
        RuntimeDown: the engine does not answer, or something is in use by somebody else.
    """
    engine = Engine(settings.docker_host, installation)
    found = find(engine)
    volumes = [each.name for each in found.volumes if not (keep_data and each.is_data)]
    with translated("remove an installation's containers, images and volumes"):
        _remove("containers", found.containers, partial(_end, engine), told)
        drop = partial(engine.api.remove_image, force=True)
        _remove("images", found.images, drop, told)
        _remove("volumes", volumes, engine.api.remove_volume, told)
    Site(engine, settings).remove()


def _remove(
    kind: str, found: Iterable[str], remove: Callable[[str], object], told: Told | None
) -> None:
    every = list(found)
    for number, each in enumerate(every, 1):
        with suppress(docker.errors.NotFound):
            remove(each)
        if told:
            told(kind, number, len(every))


def _end(engine: Engine, container: str) -> None:
    try:
        engine.api.remove_container(container, v=True, force=True)
    except docker.errors.APIError as error:
        if status_of(error) != 409:  # else it is being removed already; its end is waited for
            raise
        engine.api.wait(container, condition="removed")


def _is_ours(engine: Engine, found: dict[str, Any]) -> bool:
    return (found["Labels"] or {}).get(labels.HOME) == engine.installation


def _is_data(volume: dict[str, Any]) -> bool:
    return labels.KEEP in (volume["Labels"] or {})


def _size_of(volumes: Iterable[dict[str, Any]]) -> int:
    return sum(max(0, (each["UsageData"] or {}).get("Size", 0)) for each in volumes)
