"""The labels everything of ours carries, and the names of containers."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from kedge.engine.protocols import ContainerSpec

HOME = "kedge.home"
APP = "kedge.app"
KIND = "kedge.kind"
DYNO = "kedge.dyno"
RELEASE = "kedge.release"
APP_ID = "kedge.app_id"
DYNO_ID = "kedge.dyno_id"
# On an add-on's container, which its provider makes: whose it is, and where it listens.
ADDON_ID = "kedge.addon"
ADDON_PORT = "kedge.port"
# On volumes whose content cannot be made again: only who means to removes them.
KEEP = "kedge.keep"
# On slug images: the slug's digest, the stack image below it and the layers above that.
SLUG = "kedge.slug"
STACK_IMAGE = "kedge.stack_image"
LAYERS = "kedge.layers"

# How the name of a build container ends that waits for a build.
NEXT = "next"

DYNO_KINDS = ("dyno", "run", "release")


def of_dyno(installation: str, spec: ContainerSpec) -> dict[str, str]:
    """The labels of a dyno's container."""
    return {
        HOME: installation,
        APP: spec.app_name,
        KIND: spec.kind,
        DYNO: spec.name,
        RELEASE: str(spec.release_version),
        DYNO_ID: str(spec.dyno_id),
        APP_ID: str(spec.app_id),
    }


def of_build(installation: str, app_name: str, app_id: UUID) -> dict[str, str]:
    """The labels of a build's container. Which build it is for, its name tells: that can change."""
    return {HOME: installation, APP: app_name, KIND: "build", APP_ID: str(app_id)}


def dyno_container_name(installation: str, spec: ContainerSpec) -> str:
    """`kedge-<installation>-<app>-web.1-<8 hex>`: readable in `docker ps`, one per dyno id."""
    return f"kedge-{installation}-{spec.app_name}-{spec.name}-{spec.dyno_id.hex[:8]}"


def build_container_name(installation: str, app_name: str, build_id: UUID | None) -> str:
    """`kedge-<installation>-<app>-build-<8 hex>`; of one that waits for a build, `…-build-next`."""
    return f"kedge-{installation}-{app_name}-build-{build_key(build_id)}"


def build_key(build_id: UUID | None) -> str:
    """How a build container's name ends."""
    return build_id.hex[:8] if build_id else NEXT


def filters(installation: str, **more: str) -> dict[str, list[str]]:
    """The engine's filter for what is ours; `kind="build"` narrows it."""
    return {
        "label": [
            f"{HOME}={installation}",
            *(f"kedge.{key}={value}" for key, value in more.items()),
        ]
    }


def uuid_of(labels: Mapping[str, str], key: str) -> UUID:
    """A label that holds an id. Raises KeyError or ValueError when it does not."""
    return UUID(labels[key])
