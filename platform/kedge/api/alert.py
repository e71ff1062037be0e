"""What a provider has to say that somebody must see: a backup failed, a disk is full."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, for_providers, services
from kedge.errors import InvalidParams
from kedge.ops import backups, grants

routes = Blueprint("alerts", __name__)


@routes.post("/addons/<addon>/alerts")
@for_providers
def create(addon: str) -> Response:
    """Something about the add-on that somebody must see: for its provider."""
    found = grants.own_addon(services(), actor(), addon)
    body = bodies.body()
    message = bodies.text(body, "message", limit=2000)
    if not message:
        raise InvalidParams("message is needed: what is wrong, in words for a person.")
    kind = bodies.text(body, "kind", limit=60) or "alert"
    backups.alert(services(), found, message, kind)
    return answer({"message": message}, 201)
