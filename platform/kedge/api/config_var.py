"""Config vars of an app, and of a release."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.model.config import OVERRULED_KEYS
from kedge.ops import config_vars

routes = Blueprint("config_vars", __name__)


@routes.get("/apps/<app>/config-vars")
def info(app: str) -> Response:
    """All config vars of an app."""
    return answer(config_vars.read(services(), actor(), app))


@routes.get("/apps/<app>/releases/<release>/config-vars")
def info_of_release(app: str, release: str) -> Response:
    """All config vars a release holds."""
    return answer(config_vars.read_release(services(), actor(), app, release))


@routes.patch("/apps/<app>/config-vars")
def update(app: str) -> Response:
    """Set config vars; null removes one. Makes one release when anything changed."""
    changes = bodies.body()
    config, _ = config_vars.update(services(), actor(), app, changes)
    response = answer(config)
    overruled = sorted(OVERRULED_KEYS & {key for key in changes if changes[key] is not None})
    if overruled:
        words = f"{', '.join(overruled)}: dynos get the platform's own value instead."
        response.headers["X-Heroku-Warning"] = words
    return response
