"""Collaborators of an app: its owner."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.model.app import App
from kedge.model.tables import Json
from kedge.ops import apps

routes = Blueprint("collaborators", __name__)


@routes.get("/apps/<app>/collaborators")
def list_(app: str) -> Response:
    """Who works on an app."""
    return answer_list([_owner(apps.find(services(), actor(), app))])


def _owner(app: App) -> Json:
    owner = app.owner
    return {
        "app": app_.named(app),
        "created_at": iso(app.created_at),
        "id": str(uuid.uuid5(app.id, str(owner.id))),
        "permissions": [],
        "role": "owner",
        "updated_at": iso(app.updated_at),
        "user": {"email": owner.email, "federated": False, "id": str(owner.id)},
    }
