"""Add-ons of apps."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, for_providers, services, url
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.addon import Addon, State
from kedge.model.tables import Json
from kedge.ops import addon_directory, addon_options, addon_sso, addons, attached, grants
from kedge.ops.databases import POSTGRES

routes = Blueprint("addons", __name__)
# What Heroku's clients know: whatever becomes of it at its provider, a destroyed one is gone.
STATES = {State.RESTING: "deprovisioned", State.DEPROVISIONING: "deprovisioned"}


def shown(addon: Addon) -> Json:
    """An add-on as the API shows it."""
    app = {"id": str(addon.app_id), "name": addon.app.name} if addon.app else None
    return {
        "actions": [],
        "addon_service": {"id": str(addon.service.id), "name": addon.service.name},
        "app": app,
        "billed_price": {
            "cents": addon.plan.price_cents, "contract": False, "unit": addon.plan.price_unit,
        },
        "billing_entity": {**(app or {"id": str(addon.id), "name": ""}), "type": "app"},
        "config_vars": _config_vars(addon),
        "created_at": iso(addon.created_at),
        "id": str(addon.id),
        "name": addon.name,
        "plan": {"id": str(addon.plan.id), "name": addon.plan.name},
        "provider_id": addon.provider_id or "",
        "provision_message": addon.failure or addon.message or "",
        "state": STATES.get(State(addon.state), addon.state),
        "updated_at": iso(addon.updated_at),
        "web_url": web_url(addon),
    }  # fmt: skip


def web_url(addon: Addon) -> str | None:
    """Where a person opens an add-on, signed in at its provider."""
    return url("dashboard", "addons", addon.name, "open") if addon.service.sso_url else None


@routes.get("/addons")
def list_all() -> Response:
    """The add-ons of all apps one sees."""
    return answer_list([shown(each) for each in addon_directory.list_all(services(), actor())])


@routes.get("/users/<user>/addons")
def list_of_user(user: str) -> Response:
    """The same, as Heroku's clients ask for it."""
    del user
    return list_all()


@routes.get("/apps/<app>/addons")
def list_(app: str) -> Response:
    """The add-ons of an app, then those it has of other apps."""
    found = addon_directory.list_of_app(services(), actor(), app, with_shared=True)
    return answer_list([shown(each) for each in found])


@routes.post("/apps/<app>/addons")
def create(app: str) -> Response:
    """Have an add-on made for the app; `Idempotency-Key` says that it is the same one again."""
    body = bodies.body()
    plan = bodies.identity(body, "plan")
    if not plan:
        raise InvalidParams("Name the plan, such as heroku-postgresql:essential-0.")
    made = addons.create(
        services(), actor(), app, plan,
        name=bodies.text(body, "name", limit=100),
        attachment_name=bodies.text(bodies.mapping(body, "attachment"), "name", limit=100),
        options=_options(app, plan, bodies.mapping(body, "config")),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )  # fmt: skip
    return answer(shown(made), 201)


def _options(app: str, plan: str, given: Json | None) -> Mapping[str, object] | None:
    """As the service takes them: a database to fork is named by its URL."""
    if plan.partition(":")[0] != POSTGRES:
        return given
    return addon_options.resolved(services(), actor(), app, given)


@routes.get("/addons/<addon>")
@for_providers
def info(addon: str) -> Response:
    """One add-on, by name or id."""
    if actor().addon_id is not None:
        return answer(shown(grants.own_addon(services(), actor(), addon)))
    return answer(shown(addon_directory.find(services(), actor(), addon)))


@routes.get("/apps/<app>/addons/<addon>")
def info_of_app(app: str, addon: str) -> Response:
    """One add-on of an app, by name, id, attachment or service."""
    return answer(shown(addon_directory.find(services(), actor(), addon, app)))


@routes.patch("/apps/<app>/addons/<addon>")
def update(app: str, addon: str) -> Response:
    """Move an add-on to another plan, or give it another name."""
    body = bodies.body()
    plan, name = bodies.identity(body, "plan"), bodies.text(body, "name", limit=100)
    found = addon_directory.find(services(), actor(), addon, app)
    if plan:
        found = addons.change_plan(services(), actor(), str(found.id), plan)
    if name and name != found.name:
        found = addons.rename(services(), actor(), str(found.id), name)
    return answer(shown(found))


@routes.delete("/apps/<app>/addons/<addon>")
def destroy(app: str, addon: str) -> Response:
    """Destroy an add-on; `force` where it is attached to other apps too."""
    force = bodies.truth(bodies.body(), "force") or False
    found = addon_directory.find(services(), actor(), addon, app)
    return answer(shown(addons.destroy(services(), actor(), str(found.id), force=force)))


@routes.get("/apps/<app>/addons/<addon>/sso")
def sso(app: str, addon: str) -> Response:
    """The form that signs one in at the add-on's provider."""
    found = addon_directory.find(services(), actor(), addon, app)
    form = addon_sso.form(services(), actor(), str(found.id), app)
    return answer({"method": "post", "action": form.action, **form.fields})


@routes.post("/actions/addons/resolve")
def resolve() -> Response:
    """The add-ons a name may mean."""
    body = bodies.body()
    wanted = bodies.text(body, "addon", limit=300)
    if not wanted:
        raise InvalidParams("Name the add-on.")
    service = bodies.identity(body, "addon_service")
    found = addon_directory.resolve(
        services(), actor(), wanted, bodies.identity(body, "app"), service
    )
    return answer_list([shown(each) for each in found])


@routes.get("/kedge/addons/resting")
def resting() -> Response:
    """Destroyed add-ons whose provider still keeps what was in them."""
    found = addon_directory.list_all(services(), actor(), resting=True)
    return answer_list([{**shown(e), "resting_until": iso(e.resting_until)} for e in found
                        if e.resting_until])  # fmt: skip


@routes.post("/kedge/addons/<addon>/restore")
def restore(addon: str) -> Response:
    """Bring a destroyed add-on back, with what was in it."""
    bodies.body()
    return answer(shown(addons.restore(services(), actor(), addon)))


def _config_vars(addon: Addon) -> list[str]:
    """The names it has in its own app."""
    with services().database.transaction() as tx:
        found = attached.of_addon(tx, addon)
    own = [each for each in found if each.app_id == addon.app_id][:1]
    return sorted(key for each in own for key in attached.config_of(services(), each))
