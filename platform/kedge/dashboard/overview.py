"""An app's overview: what runs, what happened last, and why it does not answer when it does not."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.dashboard import activity
from kedge.dashboard.answers import show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.ops import attachments, dynos, formations, why

routes = Blueprint("overview", __name__)
RECENT = 8


def load(visit: Visit) -> Facts:
    """What runs, what happened, what is wrong."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    formation, commands = formations.list_formation(services, actor, name)
    return {
        "formation": formation,
        "commands": commands,
        "dynos": dynos.list_dynos(services, actor, name),
        "recent": activity.recent(visit, RECENT),
        "attached": attachments.list_of_app(services, actor, name),
        "why": why.why(services, actor, name),
    }


PAGE = register(
    Page(
        name="overview",
        title="Overview",
        load=load,
        regions={
            "why": "overview/why",
            "running": "overview/running",
            "addons": "overview/addons",
            "recent": "overview/recent",
        },
    )
)


@routes.get("/dashboard/apps/<app>")
def show_(app: str) -> Response:
    """The overview."""
    return show(PAGE, visit(app, PAGE))
