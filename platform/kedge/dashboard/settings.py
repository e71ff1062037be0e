"""An app's settings: its name, config vars, buildpacks, domains, maintenance, and its end."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context, paths
from kedge.dashboard.answers import NO_PROBLEM, Problem, go, show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import Forbidden, KedgeError
from kedge.ops import apps, buildpacks, collaborators, config_vars, domains
from kedge.ops.authorize import Action

routes = Blueprint("settings", __name__)


def load(visit: Visit) -> Facts:
    """All settings; the names of config vars alone, of whom may read their values."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    may_read = Action.DEPLOY in visit.may
    return {
        "app": visit.the_app,
        "keys": config_vars.keys(services, actor, name) if may_read else None,
        "domains": domains.list_domains(services, actor, name),
        "builtin": buildpacks.BUILTIN,
        "revealed": {},
        "owner_may_offer": actor.is_owner or visit.the_app.owner_id == actor.account_id,
        "offer": collaborators.open_offer(services, actor, name),
    }


PAGE = register(Page(name="settings", title="Settings", load=load))
DELETE = Page(name="delete", title="Delete", tab="settings")


@routes.get("/dashboard/apps/<app>/settings")
def show_(app: str) -> Response:
    """The settings."""
    return show(PAGE, visit(app, PAGE))


@routes.post("/dashboard/apps/<app>/settings/name")
def rename(app: str) -> Response:
    """Give the app another name."""
    seen, name = visit(app), request.form.get("name", "").strip()
    try:
        changed = apps.rename(seen.services, seen.actor, str(seen.the_app.id), name)
    except KedgeError as error:
        return again(seen, "name", error)
    words = f"{seen.name} is now {changed.name}. Tell git: git remote set-url kedge …"
    return go(paths.app(changed.name, "settings"), words)


@routes.post("/dashboard/apps/<app>/settings/maintenance")
def maintenance(app: str) -> Response:
    """Turn maintenance mode on or off."""
    seen, on = visit(app), request.form.get("on") == "yes"
    apps.set_maintenance(seen.services, seen.actor, str(seen.the_app.id), on=on)
    words = "on: visitors see the maintenance page." if on else "off: the app answers again."
    return go(seen.path("settings"), f"Maintenance mode is {words}")


@routes.post("/dashboard/apps/<app>/settings/buildpacks")
def install(app: str) -> Response:
    """Set the buildpacks, in their order; none means that they are detected."""
    seen = visit(app)
    names = [name for name in request.form.getlist("buildpack") if name]
    buildpacks.install(seen.services, seen.actor, str(seen.the_app.id), names)
    words = f"The next build uses {', '.join(names)}." if names else "Buildpacks are detected."
    return go(seen.path("settings"), words)


@routes.post("/dashboard/apps/<app>/settings/domains")
def add_domain(app: str) -> Response:
    """Lead a host name to the app."""
    seen, hostname = visit(app), request.form.get("hostname", "")
    try:
        made = domains.add(seen.services, seen.actor, str(seen.the_app.id), hostname)
    except KedgeError as error:
        return again(seen, "domain", error)
    own = apps.default_hostname(seen.services, seen.name)
    words = f"{made.hostname} leads here once its DNS does: a CNAME record to {own}."
    return go(seen.path("settings"), words)


@routes.post("/dashboard/apps/<app>/settings/domains/remove")
def remove_domain(app: str) -> Response:
    """Lead a host name nowhere any more."""
    seen, hostname = visit(app), request.form.get("hostname", "")
    domains.remove(seen.services, seen.actor, str(seen.the_app.id), hostname)
    return go(seen.path("settings"), f"{hostname} leads here no longer.")


@routes.get("/dashboard/apps/<app>/settings/delete")
def ask_delete(app: str) -> Response:
    """Asks for the app's name before its end."""
    return _ask_delete(visit(app), NO_PROBLEM)


@routes.post("/dashboard/apps/<app>/settings/delete")
def delete(app: str) -> Response:
    """The end of an app, when its name was typed."""
    seen, typed = visit(app), request.form.get("confirm", "").strip()
    if typed != seen.name:
        words = f"That is not its name, so nothing was deleted. Type {seen.name}."
        return _ask_delete(seen, Problem("delete", words, {"confirm": typed}), 422)
    apps.destroy(context.services(), context.actor(), str(seen.the_app.id))
    return go(paths.APPS, f"{seen.name} is being deleted: its dynos are stopped now.")


def again(seen: Visit, form: str, error: KedgeError) -> Response:
    """The settings with what was typed and why it was refused."""
    if error.status not in (409, 422):
        raise error
    typed = {key: value for key, value in request.form.items() if key != "token"}
    return show(PAGE, seen, Problem(form, error.message, typed), error.status)


def _ask_delete(seen: Visit, problem: Problem, status: int = 200) -> Response:
    if Action.MANAGE not in seen.may:
        raise Forbidden(f"You need the manage permission on {seen.name} to delete it.")
    return show(DELETE, seen, problem, status)
