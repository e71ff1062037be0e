"""Removing everything of one installation from the engine: containers, images, volumes, network."""

from __future__ import annotations

from contextlib import suppress

import docker.errors

from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.site import Site
from kedge.settings import Settings


def remove_all(settings: Settings, installation: str) -> None:
    """Leave no trace of an installation on its engine; may be called again after a crash.

    Raises:
        RuntimeDown: the engine does not answer, or something is in use by somebody else.
    """
    engine = Engine(settings.docker_host, installation)
    api, ours = engine.api, labels.filters(installation)
    with translated("remove an installation's containers, images and volumes"):
        for container in api.containers(all=True, filters=ours):
            with suppress(docker.errors.NotFound):
                api.remove_container(container["Id"], v=True, force=True)
        for image in api.images(filters=ours):
            with suppress(docker.errors.NotFound):
                api.remove_image(image["Id"], force=True)
        for volume in api.volumes(filters=ours)["Volumes"] or []:
            with suppress(docker.errors.NotFound):
                api.remove_volume(volume["Name"])
    Site(engine, settings).remove()
