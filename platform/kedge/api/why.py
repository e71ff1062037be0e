"""Why an app does not answer, or a release failed."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from kedge.api import history as history_
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.ops import history
from kedge.ops import why as ops

routes = Blueprint("why", __name__)


@routes.get("/kedge/apps/<app>/why")
def info(app: str) -> Response:
    """The findings, worst first, and what changed since the last good release."""
    found = ops.why(services(), actor(), app, request.args.get("release"))
    changed = None
    if found.good and found.bad:
        pair = (str(found.good), str(found.bad))
        changed = history_.shown(history.diff(services(), actor(), app, *pair))
    return answer(
        {
            "app": found.app,
            "summary": found.summary,
            "findings": [asdict(finding) for finding in found.findings],
            "changed": changed,
        }
    )
