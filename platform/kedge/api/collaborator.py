"""Collaborators of an app: its owner, and who else works on it with which permissions."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.collaborator import Collaborator
from kedge.model.tables import Json
from kedge.ops import collaborators
from kedge.ops.authorize import Action

routes = Blueprint("collaborators", __name__)
# Heroku's role of whoever may do something to an app without owning it.
ROLE = "collaborator"


def shown(found: Collaborator) -> Json:
    """A collaborator as the API shows them."""
    return {
        "app": app_.named(found.app),
        "created_at": iso(found.created_at),
        "id": str(found.id),
        "permissions": [_permission(name) for name in found.permissions],
        "role": ROLE,
        "updated_at": iso(found.updated_at),
        "user": _user(found.account),
    }


@routes.get("/apps/<app>/collaborators")
@routes.get("/teams/apps/<app>/collaborators")
def list_(app: str) -> Response:
    """Who works on an app, its owner first."""
    found, others = collaborators.list_of_app(services(), actor(), app)
    return answer_list([_owner(found), *map(shown, others)])


@routes.post("/apps/<app>/collaborators")
@routes.post("/teams/apps/<app>/collaborators")
def create(app: str) -> Response:
    """Let somebody work on the app."""
    body = bodies.body()
    user = _asked_user(body)
    permissions = bodies.sequence(body, "permissions") if "permissions" in body else None
    return answer(shown(collaborators.add(services(), actor(), app, user, permissions)), 201)


@routes.get("/apps/<app>/collaborators/<collaborator>")
@routes.get("/teams/apps/<app>/collaborators/<collaborator>")
def info(app: str, collaborator: str) -> Response:
    """One collaborator, by e-mail or id."""
    return answer(shown(collaborators.find(services(), actor(), app, collaborator)))


@routes.patch("/apps/<app>/collaborators/<collaborator>")
@routes.patch("/teams/apps/<app>/collaborators/<collaborator>")
def update(app: str, collaborator: str) -> Response:
    """Give a collaborator other permissions."""
    permissions = bodies.sequence(bodies.body(), "permissions")
    found = collaborators.update(services(), actor(), app, collaborator, permissions)
    return answer(shown(found))


@routes.delete("/apps/<app>/collaborators/<collaborator>")
@routes.delete("/teams/apps/<app>/collaborators/<collaborator>")
def destroy(app: str, collaborator: str) -> Response:
    """Take somebody's access to the app away."""
    return answer(shown(collaborators.remove(services(), actor(), app, collaborator)))


def _asked_user(body: Json) -> str:
    """The user a body names, as Heroku's clients do: by id, e-mail or `{"email": …}`."""
    named = body.get("user")
    if isinstance(named, dict):
        named = named.get("email") or named.get("id")
    user = bodies.text({"user": named}, "user", limit=254)
    if not user:
        raise InvalidParams("Name the user by their e-mail address.")
    return user


def _owner(app: App) -> Json:
    return {
        "app": app_.named(app),
        "created_at": iso(app.created_at),
        "id": str(uuid.uuid5(app.id, str(app.owner_id))),
        "permissions": [_permission(name) for name in Action],
        "role": "owner",
        "updated_at": iso(app.updated_at),
        "user": _user(app.owner),
    }


def _permission(name: str) -> Json:
    return {"name": str(name), "description": WORDS[Action(name)]}


def _user(account: Account) -> Json:
    return {"email": account.email, "federated": False, "id": str(account.id)}


WORDS = {
    Action.VIEW: "See the app, its releases, dynos, metrics and logs.",
    Action.DEPLOY: "Push code, roll back, read and change config vars.",
    Action.OPERATE: "Scale, restart and run dynos, change add-ons and domains.",
    Action.MANAGE: "Choose who works on the app, rename, transfer and destroy it.",
}
