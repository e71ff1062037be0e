"""Add-ons of an app: found, made, attached, moved to other plans, destroyed, opened."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from kedge.dashboard import context, headers
from kedge.dashboard.answers import NO_PROBLEM, Problem, framed, go, show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import Conflict, Forbidden, KedgeError, NotFound
from kedge.model.addon import Addon, AddonService, State
from kedge.ops import addon_directory, addon_services, addon_sso, addons, attachments
from kedge.ops.authorize import Action

routes = Blueprint("addons", __name__)
SEARCH_LIMIT = 60
OF_APP = "/dashboard/apps/<app>/addons/<addon>"
# What a person may mend in a form of ours; anything else is a page of its own.
MENDABLE = {404, 409, 422, 423}


def load(visit: Visit) -> Facts:
    """The app's add-ons: its own, others' that are attached, those that failed or rest."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    own = addon_directory.list_of_app(services, actor, name)
    attached = attachments.list_of_app(services, actor, name)
    resting = addon_directory.list_all(services, actor, resting=True)
    return {
        "addons": own,
        "names": {a.id: [each.name for each in attached if each.addon_id == a.id] for a in own},
        "borrowed": [each for each in attached if each.addon.app_id != visit.the_app.id],
        "failed": addon_directory.failed_lately(services, actor, name),
        "resting": [each for each in resting if each.app_id == visit.the_app.id],
    }


def load_catalogue(visit: Visit) -> Facts:
    """The services that are offered, as far as they match what is looked for."""
    wanted = visit.arguments.get("q", "").strip().lower()[:SEARCH_LIMIT]
    services = addon_services.list_services(visit.services)
    found = [each for each in services if wanted in _searched(each)]
    return {"found": found, "search": wanted, "are_any": bool(services)}


CATALOGUE = register(
    Page(
        name="catalogue",
        title="Find an add-on",
        tab="resources",
        load=load_catalogue,
        regions={"services": "addons/services"},
        arguments=("q",),
    )
)
CREATE = Page(name="addon_new", title="New add-on", tab="resources")
ATTACH = Page(name="addon_attach", title="Attach an add-on", tab="resources")
PLAN = Page(name="addon_plan", title="Change the plan", tab="resources")
DESTROY = Page(name="addon_destroy", title="Destroy", tab="resources")


@routes.get("/dashboard/apps/<app>/resources/addons")
def catalogue(app: str) -> Response:
    """What is offered."""
    return show(CATALOGUE, _operator(app, CATALOGUE))


@routes.get("/dashboard/apps/<app>/resources/addons/<service>")
def plans(app: str, service: str) -> Response:
    """The plans of a service."""
    return _plans(_operator(app), service)


@routes.post("/dashboard/apps/<app>/resources/addons/<service>")
def create(app: str, service: str) -> Response:
    """Have an add-on made; what its provider still does appears on the resources."""
    seen, form = _operator(app), request.form
    try:
        made = addons.create(
            seen.services, seen.actor, str(seen.the_app.id), form.get("plan", service),
            attachment_name=form.get("as", "").strip() or None,
        )  # fmt: skip
    except KedgeError as error:
        return _plans(seen, service, _mendable(error, "create"), error.status)
    if made.state == State.PROVISIONED:
        return go(seen.path("resources"), f"{made.name} is there. A release with it is on its way.")
    return go(seen.path("resources"), f"{made.name} is on its way: below is how far it is.", "note")


@routes.get("/dashboard/apps/<app>/attach")
def ask_attach(app: str) -> Response:
    """The add-ons of other apps."""
    return _attach(_operator(app))


@routes.post("/dashboard/apps/<app>/attach")
def attach(app: str) -> Response:
    """Attach an add-on that is there already."""
    seen, wanted = _operator(app), request.form.get("addon", "")
    name = request.form.get("as", "").strip() or None
    try:
        made = attachments.attach(seen.services, seen.actor, wanted, str(seen.the_app.id), name)
    except KedgeError as error:
        return _attach(seen, _mendable(error, "attach"), error.status)
    return go(seen.path("resources"), f"{made.addon.name} is attached as {made.name}.")


@routes.post("/dashboard/apps/<app>/detach")
def detach(app: str) -> Response:
    """Take an add-on's config vars from the app."""
    seen, wanted = _operator(app), request.form.get("attachment", "")
    gone = attachments.detach(seen.services, seen.actor, wanted, str(seen.the_app.id))
    return go(seen.path("resources"), f"{gone.name} is detached; {gone.addon.name} stays.")


@routes.get(f"{OF_APP}/plan")
def ask_plan(app: str, addon: str) -> Response:
    """The other plans of an add-on's service."""
    seen = _operator(app)
    return _change(seen, _own(seen, addon))


@routes.post(f"{OF_APP}/plan")
def change_plan(app: str, addon: str) -> Response:
    """Move an add-on to another plan, when its provider agrees."""
    seen = _operator(app)
    found, plan = _own(seen, addon), request.form.get("plan", "")
    if request.form.get("was") != found.plan.name:
        raise Conflict(f"Somebody else has moved {found.name} to {found.plan.name} meanwhile.")
    try:
        moved = addons.change_plan(seen.services, seen.actor, str(found.id), plan)
    except KedgeError as error:
        return _change(seen, found, _mendable(error, "plan"), error.status)
    return go(seen.path("resources"), f"{moved.name} is on {moved.plan.human_name} now.")


@routes.get(f"{OF_APP}/destroy")
def ask_destroy(app: str, addon: str) -> Response:
    """What would go, and the question for its name."""
    seen = _operator(app)
    return _destroy(seen, _own(seen, addon))


@routes.post(f"{OF_APP}/destroy")
def destroy(app: str, addon: str) -> Response:
    """Destroy an add-on whose name was typed."""
    seen = _operator(app)
    found, typed = _own(seen, addon), request.form.get("confirm", "").strip()
    if typed != found.name:
        words = f"That is not its name, so nothing was destroyed. Type {found.name}."
        return _destroy(seen, found, Problem("destroy", words, {"confirm": typed}), 422)
    gone = addons.destroy(seen.services, seen.actor, str(found.id), force=True)
    rests = " It can be brought back for seven days." if gone.service.is_builtin else ""
    return go(seen.path("resources"), f"{gone.name} is destroyed.{rests}")


@routes.post(f"{OF_APP}/restore")
def restore(app: str, addon: str) -> Response:
    """Bring a destroyed add-on back."""
    seen = _operator(app)
    back = addons.restore(seen.services, seen.actor, addon)
    return go(seen.path("resources"), f"{back.name} is coming back, with all that was in it.")


@routes.get("/dashboard/addons/<addon>/open")
def open_(addon: str) -> Response:
    """A form that signs one in at the add-on's provider, and sends itself."""
    found = addon_directory.find(context.services(), context.actor(), addon)
    form = addon_sso.form(context.services(), context.actor(), str(found.id))
    action = _reachable(found.service, form.action)
    parts = urlsplit(action)
    if parts.netloc:
        headers.allow_form_to(f"{parts.scheme}://{parts.netloc}")
    return framed("addon_open", title=f"Open {found.name}", addon=found, action=action,
                  fields=form.fields)  # fmt: skip


def _reachable(service: AddonService, address: str) -> str:
    """Where a browser finds a provider: the platform's own ones are behind this very host."""
    if not service.is_builtin:
        return address
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _operator(app: str, page: Page | None = None) -> Visit:
    """A visit of somebody who may have add-ons made. Raises Forbidden."""
    seen = visit(app, page)
    if Action.OPERATE not in seen.may:
        raise Forbidden(
            f"You need the operate permission on {seen.name}. Ask {seen.the_app.owner.email}."
        )
    return seen


def _own(seen: Visit, identity: str) -> Addon:
    """An add-on that is the app's own. Raises NotFound."""
    found = addon_directory.find(seen.services, seen.actor, identity, str(seen.the_app.id))
    if found.app_id != seen.the_app.id:
        raise NotFound.of("add_on", f"{found.name} is another app's add-on.")
    return found


def _mendable(error: KedgeError, form: str) -> Problem:
    if error.status not in MENDABLE and error.status < 502:
        raise error
    return Problem(form, error.message, {k: v for k, v in request.form.items() if k != "token"})


def _plans(seen: Visit, service: str, problem: Problem = NO_PROBLEM, status: int = 200) -> Response:
    found = addon_services.find_service(seen.services, service)
    listed = addon_services.list_plans(seen.services, str(found.id))
    return show(CREATE, seen, problem, status, service=found, plans=listed,
                  title=found.human_name)  # fmt: skip


def _attach(seen: Visit, problem: Problem = NO_PROBLEM, status: int = 200) -> Response:
    there = [each for each in addon_directory.list_all(seen.services, seen.actor)
             if each.state == State.PROVISIONED]  # fmt: skip
    return show(ATTACH, seen, problem, status, there=there)


def _change(
    seen: Visit, addon: Addon, problem: Problem = NO_PROBLEM, status: int = 200
) -> Response:
    listed = addon_services.list_plans(seen.services, str(addon.service.id))
    return show(PLAN, seen, problem, status, addon=addon, plans=listed)


def _destroy(
    seen: Visit, addon: Addon, problem: Problem = NO_PROBLEM, status: int = 200
) -> Response:
    held = attachments.list_of_addon(seen.services, seen.actor, str(addon.id))
    return show(DESTROY, seen, problem, status, addon=addon, held=held)


def _searched(service: AddonService) -> str:
    return f"{service.name} {service.human_name} {service.description}".lower()
