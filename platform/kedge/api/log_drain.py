"""Log drains: where an add-on's provider is sent the log of its app."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.model.tables import Json
from kedge.ops import addon_drains
from kedge.ops.addon_drains import Drain

routes = Blueprint("log_drains", __name__)


def shown(drain: Drain) -> Json:
    """A drain as the API shows it, without what may be secret in its address."""
    addon = drain.addon
    return {
        "addon": {"id": str(addon.id), "name": addon.name},
        "app": {"id": str(drain.app_id), "name": addon.app.name if addon.app else ""},
        "created_at": iso(addon.created_at),
        "id": str(drain.id),
        "token": drain.token,
        "updated_at": iso(addon.updated_at),
        "url": drain.place,
    }


@routes.get("/apps/<app>/log-drains")
def list_(app: str) -> Response:
    """The drains of an app: those its add-ons' providers asked for."""
    return answer_list([shown(each) for each in addon_drains.list_of_app(services(), actor(), app)])
