"""Apps: `/apps`, `/users/~/apps`."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, request

from kedge.api import account, bodies, region, stack
from kedge.api.answers import answer
from kedge.api.context import actor, services, url
from kedge.api.lists import answer_page, asked_page
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.app import App
from kedge.model.tables import Json
from kedge.ops import apps
from kedge.ops.authorize import Action

routes = Blueprint("apps", __name__)
_GENERATION_ID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "cedar.generation.kedge"))


def shown(app: App) -> Json:
    """An app as the API shows it."""
    return {
        "acm": False,
        "archived_at": None,
        "build_stack": stack.named(app.stack),
        "buildpack_provided_description": app.buildpack_description,
        "created_at": iso(app.created_at),
        "generation": {"id": _GENERATION_ID, "name": "cedar"},
        "git_url": url(f"{app.name}.git"),
        "id": str(app.id),
        "internal_routing": None,
        "maintenance": app.maintenance,
        "name": app.name,
        "organization": None,
        "owner": {"email": app.owner.email, "id": str(app.owner.id)},
        "region": region.NAMED,
        "released_at": iso(app.released_at) if app.released_at else None,
        "repo_size": app.repo_bytes,
        "slug_size": app.slug_bytes,
        "space": None,
        "stack": stack.named(app.stack),
        "team": None,
        "updated_at": iso(app.updated_at),
        "web_url": web_url(app),
    }


def named(app: App) -> Json:
    """An app as other things name it."""
    return {"id": str(app.id), "name": app.name}


def web_url(app: App) -> str:
    """Where the app itself answers, on the port and by the scheme this request came in."""
    settings = services().settings
    is_secure = request.scheme == "https"
    port = settings.https_port if is_secure else settings.http_port
    place = "" if port == (443 if is_secure else 80) else f":{port}"
    return f"{request.scheme}://{apps.default_hostname(services(), app.name)}{place}/"


@routes.get("/apps")
def list_() -> Response:
    """The apps one may see."""
    page = asked_page(apps.KEYS, "name")
    return answer_page(apps.list_apps(services(), actor(), page), page, apps.KEYS, shown)


@routes.get("/users/<user>/apps")
def list_of_user(user: str) -> Response:
    """The apps of the account that asks."""
    account.check_self(user)
    return list_()


@routes.post("/apps")
def create() -> Response:
    """A new app; its name is made up when none is given."""
    body = bodies.body()
    for member in ("team", "organization", "space"):
        if body.get(member):
            raise InvalidParams(f"There are no {member}s here: leave {member} out.")
    region.check(bodies.identity(body, "region"))
    wanted = stack.name_of(bodies.identity(body, "stack"))
    name = body.get("name") or None
    return answer(shown(apps.create(services(), actor(), name, wanted)), 201)


@routes.get("/apps/<app>")
def info(app: str) -> Response:
    """One app, by name or id."""
    return answer(shown(apps.find(services(), actor(), app)))


@routes.patch("/apps/<app>")
def update(app: str) -> Response:
    """Another name, maintenance mode on or off, the stack of the next build."""
    body = bodies.body()
    maintenance = bodies.truth(body, "maintenance")
    apps.check_stack(stack.name_of(bodies.identity(body, "build_stack")))
    needed = Action.OPERATE if body.get("build_stack") is not None else Action.VIEW
    row = apps.find(services(), actor(), app, needed)
    if maintenance is not None:
        row = apps.set_maintenance(services(), actor(), str(row.id), on=maintenance)
    if body.get("name") is not None and body["name"] != row.name:
        row = apps.rename(services(), actor(), str(row.id), body["name"])
    return answer(shown(row))


@routes.delete("/apps/<app>")
def destroy(app: str) -> Response:
    """The end of an app and its add-ons; `confirm` with its name where other apps use those."""
    confirm = bodies.text(bodies.body(), "confirm", limit=100)
    return answer(shown(apps.destroy(services(), actor(), app, confirm=confirm)))
