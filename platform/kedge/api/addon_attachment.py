"""Attachments: which apps have an add-on's config vars, under which name."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.api import addon as addon_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.addon import Attachment
from kedge.model.tables import Json
from kedge.ops import addon_directory, attached, attachments

routes = Blueprint("addon_attachments", __name__)


def shown(attachment: Attachment) -> Json:
    """An attachment as the API shows it."""
    return {
        "addon": _addon(attachment),
        "app": {"id": str(attachment.app.id), "name": attachment.app.name},
        "config_vars": sorted(attached.config_of(services(), attachment)),
        "created_at": iso(attachment.created_at),
        "id": str(attachment.id),
        "log_input_url": None,
        "name": attachment.name,
        "namespace": attachment.namespace,
        "updated_at": iso(attachment.updated_at),
        "web_url": addon_.web_url(attachment.addon),
    }


def _addon(attachment: Attachment) -> Json:
    """Its add-on; with the plan where a client asks for that (`Accept-Inclusion: addon:plan`)."""
    addon = attachment.addon
    owner = addon.app or attachment.app
    shown_: Json = {
        "app": {"id": str(owner.id), "name": owner.name},
        "id": str(addon.id),
        "name": addon.name,
    }
    if "addon:plan" in request.headers.get("Accept-Inclusion", ""):
        shown_["plan"] = {"id": str(addon.plan.id), "name": addon.plan.name}
    return shown_


@routes.get("/addon-attachments")
def list_all() -> Response:
    """The attachments of all apps one sees."""
    return answer_list([shown(each) for each in attachments.list_all(services(), actor())])


@routes.post("/addon-attachments")
def create() -> Response:
    """Attach an add-on to an app; `confirm` with the app's name takes another's place."""
    body = bodies.body()
    wanted, app = bodies.identity(body, "addon"), bodies.identity(body, "app")
    if not wanted or not app:
        raise InvalidParams("Name the add-on and the app.")
    name, confirm = bodies.text(body, "name", limit=100), bodies.text(body, "confirm", limit=100)
    made = attachments.attach(services(), actor(), wanted, app, name, confirm=confirm)
    return answer(shown(made), 201)


@routes.get("/addon-attachments/<attachment>")
def info(attachment: str) -> Response:
    """One attachment, by id."""
    return answer(shown(attachments.find(services(), actor(), attachment)))


@routes.delete("/addon-attachments/<attachment>")
def destroy(attachment: str) -> Response:
    """Detach an add-on from an app."""
    return answer(shown(attachments.detach(services(), actor(), attachment)))


@routes.get("/apps/<app>/addon-attachments")
def list_(app: str) -> Response:
    """The attachments of an app."""
    return answer_list([shown(e) for e in attachments.list_of_app(services(), actor(), app)])


@routes.get("/apps/<app>/addon-attachments/<attachment>")
def info_of_app(app: str, attachment: str) -> Response:
    """One attachment of an app, by name or id."""
    return answer(shown(attachments.find(services(), actor(), attachment, app)))


@routes.get("/addons/<addon>/addon-attachments")
def list_of_addon(addon: str) -> Response:
    """Where an add-on is attached."""
    found = addon_directory.find(services(), actor(), addon)
    listed = attachments.list_of_addon(services(), actor(), str(found.id))
    return answer_list([shown(each) for each in listed])


@routes.post("/actions/addon-attachments/resolve")
def resolve() -> Response:
    """The attachments a name may mean."""
    body = bodies.body()
    wanted = bodies.text(body, "addon_attachment", limit=300)
    if not wanted:
        raise InvalidParams("Name the attachment.")
    found = attachments.resolve(services(), actor(), wanted, bodies.identity(body, "app"))
    return answer_list([shown(each) for each in found])
