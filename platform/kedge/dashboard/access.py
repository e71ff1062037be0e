"""Who works on an app, and what each may do; handing it to another owner."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context, paths
from kedge.dashboard.answers import Problem, go, show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.settings import again
from kedge.dashboard.visit import Visit
from kedge.errors import KedgeError
from kedge.ops import collaborators
from kedge.ops.authorize import Action

routes = Blueprint("access", __name__)
MEANINGS = {
    Action.VIEW: "see the app, its activity and its log",
    Action.DEPLOY: "push, roll back, read and change config vars",
    Action.OPERATE: "scale, restart, run, domains, add-ons",
    Action.MANAGE: "people, name, deletion",
}


def load(visit: Visit) -> Facts:
    """The owner and the collaborators."""
    app, found = collaborators.list_of_app(visit.services, visit.actor, str(visit.the_app.id))
    return {"owner": app.owner, "collaborators": found, "meanings": MEANINGS}


PAGE = register(Page(name="access", title="Access", load=load, regions={"people": "access/people"}))


@routes.get("/dashboard/apps/<app>/access")
def show_(app: str) -> Response:
    """Who works on the app."""
    return show(PAGE, visit(app, PAGE))


@routes.post("/dashboard/apps/<app>/access")
def add(app: str) -> Response:
    """Let somebody work on the app."""
    seen, email = visit(app), request.form.get("email", "").strip()
    try:
        collaborators.add(
            seen.services, seen.actor, str(seen.the_app.id), email, request.form.getlist("may")
        )
    except KedgeError as error:
        if error.status not in (404, 422):
            raise
        return show(PAGE, seen, Problem("add", error.message, {"email": email}), error.status)
    return go(seen.path("access"), f"{email} works on {seen.name} now.")


@routes.post("/dashboard/apps/<app>/access/change")
def change(app: str) -> Response:
    """Give somebody other permissions."""
    seen, email = visit(app), request.form.get("email", "")
    collaborators.update(
        seen.services, seen.actor, str(seen.the_app.id), email, request.form.getlist("may")
    )
    return go(seen.path("access"), f"The permissions of {email} are changed.")


@routes.post("/dashboard/apps/<app>/access/remove")
def remove(app: str) -> Response:
    """Take somebody's access away, or give up one's own."""
    seen, email = visit(app), request.form.get("email", "")
    gone = collaborators.remove(seen.services, seen.actor, str(seen.the_app.id), email)
    if gone.account_id == seen.actor.account_id:
        return go(paths.APPS, f"You no longer work on {seen.name}.")
    return go(seen.path("access"), f"{email} no longer works on {seen.name}.")


@routes.post("/dashboard/apps/<app>/settings/transfer")
def offer(app: str) -> Response:
    """Offer the app to another owner."""
    seen, email = visit(app), request.form.get("email", "").strip()
    try:
        collaborators.offer(seen.services, seen.actor, str(seen.the_app.id), email)
    except KedgeError as error:
        return again(seen, "transfer", error)
    return go(seen.path("settings"), f"{seen.name} is offered to {email}, who has to accept it.")


@routes.post("/dashboard/transfers/<transfer>")
def answer(transfer: str) -> Response:
    """Accept, decline or withdraw an offer."""
    services, actor = context.services(), context.actor()
    wanted = request.form.get("answer", "")
    if wanted == "withdrawn":
        gone = collaborators.withdraw(services, actor, transfer)
        return go(paths.app(gone.app.name, "settings"), "The offer is withdrawn.")
    done = collaborators.answer(services, actor, transfer, wanted)
    if done.state == "accepted":
        return go(paths.app(done.app.name), f"{done.app.name} is yours now.")
    return go(paths.APPS, f"You declined {done.app.name}.")
