"""Dyno sizes."""

from __future__ import annotations

import platform
import uuid

from flask import Blueprint, Response

from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import NotFound
from kedge.model.formation import SIZES, Size
from kedge.model.tables import Json
from kedge.ops import apps

routes = Blueprint("dyno_sizes", __name__)
_GENERATION = {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "cedar.generation.kedge")), "name": "cedar"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def shown(size: Size) -> Json:
    """A dyno size as the API shows it. `memory` is in GB; nothing costs anything here."""
    machine = platform.machine()
    return {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "compute": size.compute,
        "cost": {"cents": 0, "unit": "month"},
        "dedicated": size.is_dedicated,
        "generation": _GENERATION,
        "id": str(size.id),
        "memory": size.memory_mb / 1024,
        "name": size.name,
        "precise_dyno_units": float(size.compute),
        "private_space_only": False,
    }


@routes.get("/dyno-sizes")
def list_() -> Response:
    """All dyno sizes."""
    return answer_list([shown(size) for size in SIZES.values()])


@routes.get("/dyno-sizes/<size>")
def info(size: str) -> Response:
    """One dyno size, by name or id."""
    wanted = size.lower()
    found = next((s for s in SIZES.values() if wanted in (s.name.lower(), str(s.id))), None)
    if found is None:
        raise NotFound.of("dyno_size")
    return answer(shown(found))


@routes.get("/apps/<app>/available-dyno-sizes")
def list_for_app(app: str) -> Response:
    """The dyno sizes an app may use: all of them."""
    apps.find(services(), actor(), app)
    return list_()
