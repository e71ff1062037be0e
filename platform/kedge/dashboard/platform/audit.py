"""The audit log: every change, found by person, app and kind."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.dashboard.answers import show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.platform.wording import KINDS, said
from kedge.dashboard.visit import Visit
from kedge.errors import BadRequest
from kedge.ops import audit

routes = Blueprint("platform_audit", __name__)
PATH = "/dashboard/platform/audit"
ROWS = 50


def load(visit: Visit) -> Facts:
    """A page of the log."""
    asked = visit.arguments
    before = asked.get("before", "")
    if before and not (before.isdecimal() and len(before) < 19):
        raise BadRequest("This is not a page of the audit log. Begin again at its first page.")
    chosen = {name: asked.get(name, "").strip()[:254] for name in ("person", "app", "kind")}
    found = audit.entries(
        visit.services, visit.actor, before=int(before) if before else None, limit=ROWS, **chosen
    )
    return {
        "found": found,
        "said": said,
        "chosen": chosen,
        "before": before,
        "kinds": KINDS,
        "people": audit.people(visit.services, visit.actor),
        "path": PATH,
    }


PAGE = register(
    Page(
        name="platform_audit",
        title="Audit log",
        load=load,
        regions={"entries": "platform/audit"},
        arguments=("person", "app", "kind", "before"),
        of_app=False,
        for_owners=True,
        pace_seconds=1.0,
    )
)


@routes.get(PATH)
def show_() -> Response:
    """Every change."""
    return show(PAGE, visit_of(PAGE))
