"""The platform at a glance: what is wrong, its parts, what waits, its disk and certificates."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.dashboard import context
from kedge.dashboard.answers import go, show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.ops import platform

routes = Blueprint("platform", __name__)
PATH = "/dashboard/platform"
PACE_SECONDS = 3.0


def load(visit: Visit) -> Facts:
    """What is seen of the platform now."""
    services, actor = visit.services, visit.actor
    survey, is_looking = platform.survey(services, actor)
    return {
        "parts": platform.parts(services, actor),
        "queue": platform.queue(services, actor),
        "totals": platform.totals(services, actor),
        "survey": survey,
        "is_looking": is_looking,
        "now": services.now(),
    }


PAGE = register(
    Page(
        name="platform",
        title="Platform",
        load=load,
        regions={
            "health": "platform/health",
            "parts": "platform/parts",
            "queue": "platform/queue",
            "machine": "platform/machine",
        },
        of_app=False,
        for_owners=True,
        asks_elsewhere=True,
        pace_seconds=PACE_SECONDS,
    )
)


@routes.get(PATH)
def show_() -> Response:
    """The platform."""
    return show(PAGE, visit_of(PAGE))


@routes.post(f"{PATH}/look")
def look() -> Response:
    """Look at the machine again."""
    platform.look_again(context.services(), context.actor())
    return go(PATH, "Looking at everything again: it takes some seconds.", "note")
