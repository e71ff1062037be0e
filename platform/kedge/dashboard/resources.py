"""An app's resources: the formation with sizes and counts, and each dyno."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import addons
from kedge.dashboard.answers import go, show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import InvalidParams
from kedge.ops import dynos, formations

routes = Blueprint("resources", __name__)


def load(visit: Visit) -> Facts:
    """The formation and the dynos."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    formation, commands = formations.list_formation(services, actor, name)
    return {
        "formation": [row for row in formation if row.type != formations.RELEASE],
        "told": formations.told,
        "commands": commands,
        "dynos": dynos.list_dynos(services, actor, name),
        **addons.load(visit),
    }


PAGE = register(
    Page(
        name="resources",
        title="Resources",
        load=load,
        regions={
            "formation": "resources/formation",
            "dynos": "resources/dynos",
            "addons": "resources/addons",
        },
    )
)


@routes.get("/dashboard/apps/<app>/resources")
def show_(app: str) -> Response:
    """The formation and the dynos."""
    return show(PAGE, visit(app, PAGE))


@routes.post("/dashboard/apps/<app>/formation")
def scale(app: str) -> Response:
    """Change quantities and sizes; only what differs from what the page showed."""
    seen = visit(app)
    updates = [_update(type_) for type_ in request.form.getlist("type")]
    changed = [u for u in updates if f"{u['quantity']} x {u['size']}" != u["was"]]
    if not changed:
        return go(seen.path("resources"), "Nothing differs, so nothing was changed.", "note")
    formations.update(seen.services, seen.actor, str(seen.the_app.id), changed)
    words = ", ".join(f"{u['type']} to {u['quantity']} x {u['size']}" for u in changed)
    return go(seen.path("resources"), f"Scaling {words}.")


@routes.post("/dashboard/apps/<app>/restart")
def restart(app: str) -> Response:
    """Restart a dyno, a process type, or with neither all dynos."""
    seen = visit(app)
    name, wanted = str(seen.the_app.id), request.form.get("what", "")
    if wanted:
        dynos.restart(seen.services, seen.actor, name, wanted)
    else:
        formations.restart(seen.services, seen.actor, name)
    return go(seen.path("resources"), f"Restarting {wanted or 'all dynos'}.")


@routes.post("/dashboard/apps/<app>/stop")
def stop(app: str) -> Response:
    """Stop one dyno: a one-off one ends, one of the formation is replaced."""
    seen = visit(app)
    wanted = request.form.get("what", "")
    dynos.stop(seen.services, seen.actor, str(seen.the_app.id), wanted)
    return go(seen.path("resources"), f"Stopping {wanted}.")


def _update(type_: str) -> dict[str, str]:
    quantity = request.form.get(f"quantity.{type_}", "").strip()
    if not quantity.isdecimal():
        raise InvalidParams(f"How many {type_} dynos? A number from 0 to 100.")
    return {
        "type": type_,
        "quantity": str(int(quantity)),
        "size": request.form.get(f"size.{type_}", ""),
        "was": request.form.get(f"was.{type_}", ""),
    }
