"""Light or dark: a form that works without scripts, and is kept in the browser."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import cookies, paths
from kedge.dashboard.answers import go
from kedge.dashboard.context import public
from kedge.errors import InvalidParams

routes = Blueprint("theme", __name__)


@routes.post("/dashboard/theme")
@public
def choose() -> Response:
    """Keep how pages look in this browser."""
    wanted = request.form.get("theme", "")
    if wanted not in cookies.THEMES:
        raise InvalidParams(f"There is: {', '.join(cookies.THEMES)}.")
    response = go(paths.local(request.form.get("back")) or paths.APPS)
    cookies.keep_theme(response, wanted)
    return response
