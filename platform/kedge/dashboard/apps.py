"""The list of apps, and the search behind the switcher."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from kedge.dashboard import context, paths
from kedge.dashboard.answers import go, show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import BadRequest
from kedge.ops import collaborators, favourites, glances
from kedge.ops.glances import Place

routes = Blueprint("apps", __name__)
PAGE_APPS = 50
SWITCH_APPS = 12
SEARCH_LIMIT = 60


def load(visit: Visit) -> Facts:
    """A page of the apps the visitor may see."""
    search, after = visit.arguments.get("q", "")[:SEARCH_LIMIT], visit.arguments.get("after", "")
    found = glances.list_glances(
        visit.services, visit.actor, search=search.lower(), after=_place(after), limit=PAGE_APPS
    )
    offers = [
        each
        for each in collaborators.list_transfers(visit.services, visit.actor)
        if each.state == "pending" and each.recipient_id == visit.actor.account_id
    ]
    return {"found": found, "search": search, "after": after, "next": _written(found.next),
            "offers": offers}  # fmt: skip


PAGE = register(
    Page(
        name="apps",
        title="Apps",
        load=load,
        regions={"list": "apps/list"},
        arguments=("q", "after"),
        of_app=False,
        is_personal=True,
    )
)


@routes.get("/")
def list_() -> Response:
    """The apps one may see."""
    return show(PAGE, visit_of(PAGE))


@routes.get("/dashboard/switch")
def switch() -> Response:
    """Names of apps that hold some letters, for the switcher."""
    search = request.args.get("q", "")[:SEARCH_LIMIT].lower()
    names = glances.names(context.services(), context.actor(), search, SWITCH_APPS)
    return jsonify([{"name": name, "path": paths.app(name)} for name in names])


@routes.post("/dashboard/apps/<app>/favourite")
def favourite(app: str) -> Response:
    """Make an app a favourite, or no longer."""
    on = request.form.get("on") == "yes"
    favourites.set_favourite(context.services(), context.actor(), app, on=on)
    return go(paths.local(request.form.get("back")) or paths.APPS)


def _place(written: str) -> Place | None:
    """Where a page begins, as `next` of the one before it wrote it."""
    if not written:
        return None
    kind, dot, name = written.partition(".")
    if not dot or kind not in {"f", "o"}:
        raise BadRequest("This is not a page of the list. Begin again at its first page.")
    return Place(kind == "f", name)


def _written(place: Place | None) -> str:
    return f"{'f' if place.is_favourite else 'o'}.{place.name}" if place else ""
