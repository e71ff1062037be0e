"""Features of apps: what one switches on at Heroku, and has here always."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams, NotFound
from kedge.model.tables import Json
from kedge.ops import apps
from kedge.ops.authorize import Action

routes = Blueprint("features", __name__)
_IDS = uuid.UUID("6b656467-652d-4665-8174-757265000000")
_DECLARED_AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature every app has, and Heroku's article on it.

    `state` is Heroku's too: `general` ones are no experiments.
    """

    name: str
    article: str
    display_name: str
    description: str
    state: str

    def shown(self) -> Json:
        """As the API shows it."""
        return {
            "created_at": _DECLARED_AT,
            "description": self.description,
            "display_name": self.display_name,
            "doc_url": f"https://devcenter.heroku.com/articles/{self.article}",
            "enabled": True,
            "feedback_email": "",
            "id": str(uuid.uuid5(_IDS, self.name)),
            "name": self.name,
            "state": self.state,
            "updated_at": _DECLARED_AT,
        }


FEATURES = (
    Feature(
        "preboot",
        "preboot",
        "Preboot",
        "New web dynos take requests before the old ones stop. Always so here.",
        "general",
    ),
    Feature(
        "runtime-dyno-metadata",
        "dyno-metadata",
        "Dyno metadata",
        "HEROKU_APP_NAME, HEROKU_RELEASE_VERSION and others in each dyno. Always so here.",
        "beta",
    ),
)


@routes.get("/apps/<app>/features")
def list_(app: str) -> Response:
    """The features every app has."""
    apps.find(services(), actor(), app)
    return answer_list([feature.shown() for feature in FEATURES])


@routes.get("/apps/<app>/features/<feature>")
def info(app: str, feature: str) -> Response:
    """One feature, by name or id."""
    apps.find(services(), actor(), app)
    return answer(_find(feature))


@routes.patch("/apps/<app>/features/<feature>")
def update(app: str, feature: str) -> Response:
    """Switch a feature on, which it is; none can be switched off."""
    enabled = bodies.truth(bodies.body(), "enabled")
    apps.find(services(), actor(), app, Action.OPERATE)
    found = _find(feature)
    if enabled is None:
        raise InvalidParams("enabled is needed: true or false.")
    if not enabled:
        raise InvalidParams(f"{found['name']} cannot be switched off: every app has it here.")
    return answer(found)


@routes.get("/account/features")
def list_of_account() -> Response:
    """An empty list: an account has none."""
    return answer_list([])


@routes.get("/account/features/<feature>")
def info_of_account(feature: str) -> Response:
    """Not found: an account has none."""
    raise _unknown(feature)


@routes.patch("/account/features/<feature>")
def update_of_account(feature: str) -> Response:
    """Not found: an account has none."""
    bodies.body()
    raise _unknown(feature)


def _find(identity: str) -> Json:
    for feature in FEATURES:
        shown = feature.shown()
        if identity in {shown["name"], shown["id"]}:
            return shown
    raise _unknown(identity)


def _unknown(identity: str) -> NotFound:
    return NotFound.of("feature", f"Couldn't find that feature ({identity[:64]}).")
