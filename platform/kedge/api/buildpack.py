"""Buildpacks an app is built with."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams
from kedge.model.tables import Json
from kedge.ops import buildpacks

routes = Blueprint("buildpacks", __name__)


def named(name: str) -> Json:
    """A buildpack as the API names it."""
    return {"name": name, "url": name}


@routes.get("/apps/<app>/buildpack-installations")
def list_(app: str) -> Response:
    """The app's buildpacks in their order; none set means they are detected."""
    return answer_list(_shown(buildpacks.installed(services(), actor(), app)))


@routes.put("/apps/<app>/buildpack-installations")
def update(app: str) -> Response:
    """Set the app's buildpacks, from the next build on."""
    updates = bodies.sequence(bodies.body(), "updates")
    if not all(isinstance(each, dict) for each in updates):
        raise InvalidParams('Each of updates must be an object: {"buildpack": "…"}.')
    wanted = [bodies.text(each, "buildpack") for each in updates]
    return answer(_shown(buildpacks.install(services(), actor(), app, wanted)))


def _shown(names: list[str]) -> list[Json]:
    return [{"ordinal": place, "buildpack": named(name)} for place, name in enumerate(names)]
