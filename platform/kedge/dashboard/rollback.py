"""A rollback: first what would change, then the question, then the release."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard.answers import go, show, visit
from kedge.dashboard.page import Facts, Page
from kedge.dashboard.visit import Visit
from kedge.errors import Forbidden, KedgeError
from kedge.ops import history, releases
from kedge.ops.authorize import Action

routes = Blueprint("rollback", __name__)


def load(visit: Visit) -> Facts:
    """What would change; `refusal` says why one may not go back to it, empty when one may."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    target = releases.show(services, actor, name, visit.arguments["version"])
    app, refusal, difference = target.app, "", None
    try:
        releases.check_eligible(app, target)
    except KedgeError as error:
        refusal = error.message
    if app.head_version:
        difference = history.rollback(services, actor, name, str(target.version))
    return {"release": target, "difference": difference, "refusal": refusal,
            "newest": app.last_version, "running": app.head_version}  # fmt: skip


PAGE = Page(name="rollback", title="Roll back", tab="activity", load=load)


@routes.get("/dashboard/apps/<app>/activity/<version>/rollback")
def ask(app: str, version: str) -> Response:
    """What a rollback would change."""
    seen = visit(app, arguments={"version": version})
    if Action.DEPLOY not in seen.may:
        raise Forbidden(f"You need the deploy permission on {seen.name} to roll it back.")
    return show(PAGE, seen, title=f"Roll back to {version}")


@routes.post("/dashboard/apps/<app>/activity/<version>/rollback")
def rollback(app: str, version: str) -> Response:
    """Go back to a release: a new one with its code and config."""
    seen = visit(app)
    newest = request.form.get("newest", "")
    made = releases.rollback(
        seen.services, seen.actor, str(seen.the_app.id), version,
        seen=int(newest) if newest.isdecimal() else None,
    )  # fmt: skip
    return go(seen.path(), f"Rolling back: release v{made.version} is on its way out.")
