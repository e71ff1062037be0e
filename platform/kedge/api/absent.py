"""What clients ask for and an installation has none of: empty lists, in Heroku's form."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams, NotFound
from kedge.ops import apps

routes = Blueprint("absent", __name__)


@routes.get("/account/keys")
@routes.get("/enterprise-accounts")
@routes.get("/pipelines")
@routes.get("/spaces")
@routes.get("/teams")
def none() -> Response:
    """An empty list: an installation has none."""
    return answer_list([])


@routes.get("/apps/<app>/sni-endpoints")
@routes.get("/apps/<app>/webhooks")
def none_of_app(app: str) -> Response:
    """An empty list: no app has any."""
    apps.find(services(), actor(), app)
    return answer_list([])


@routes.post("/account/keys")
def no_keys() -> Response:
    """Refused in words: git speaks HTTP here, with a token."""
    bodies.body()
    raise InvalidParams("There is no SSH here, so no keys: git pushes over HTTP with a token.")


@routes.get("/apps/<app>/pipeline-couplings")
def no_coupling(app: str) -> Response:
    """Not found: no app is in a pipeline."""
    apps.find(services(), actor(), app)
    raise NotFound.of("pipeline_coupling")
