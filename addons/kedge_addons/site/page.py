"""One page: a template in the layout, with the headers that let it load what is ours alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Redirect

from kedge_addons.errors import ProviderError
from kedge_addons.offer import Offer
from kedge_addons.resource import Resource
from kedge_addons.sign_in import csrf_token
from kedge_addons.site import assets, icons

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
THEMES = ("light", "dark")


def install(app: Flask) -> None:
    """Have an application serve pages."""
    app.register_blueprint(assets.routes)
    app.jinja_env.globals.update(asset=assets.address, icon=icons.icon, new_id=_new_id)
    app.jinja_env.filters.update(size=size, moment=moment, lasting=lasting)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def pages(name: str, views: Mapping[str, Callable[..., Any]]) -> Blueprint:
    """A blueprint of pages by `METHOD /path`, whose errors are pages too."""
    routes = Blueprint(name, __name__)
    for rule, view in views.items():
        method, _, path = rule.partition(" ")
        routes.add_url_rule(path, view_func=view, methods=[method])
    routes.register_error_handler(ProviderError, _said)
    routes.register_error_handler(HTTPException, _refused)
    return routes


def show(
    template: str, resource: Resource | None, offer: Offer | None, status: int = 200, **more: Any
) -> Response:
    """A page about a resource."""
    chosen = request.cookies.get("kedge-theme", "")
    body = render_template(
        template, resource=resource, offer=offer, csrf=csrf_token(),
        plan=offer.plan(resource.plan) if resource and offer else None,
        theme=chosen if chosen in THEMES else None, **more,
    )  # fmt: skip
    response = make_response(body, status)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "DENY"
    return response


def go(resource: Resource, path: str = "") -> Redirect:
    """On to another page of a resource, after a form was taken."""
    return redirect(f"/provider/{resource.service}/resources/{resource.id}/{path}", 303)


def size(count: float | None) -> str:
    """A number of bytes as people read it: `1.5 MB`."""
    if count is None:
        return "unknown"
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def moment(at: datetime | None) -> str:
    """A moment as people read it, in UTC: `2026-03-04 12:00:07`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def lasting(span: timedelta | None) -> str:
    """How long something took: `1 h 2 min`, `7 s`."""
    if span is None:
        return ""
    seconds = int(span.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _new_id() -> str:
    return str(uuid.uuid4())


def _said(error: ProviderError) -> Response:
    return _problem(error.status, error.message)


def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    return _problem(status, str(error.description or HTTPStatus(status).phrase))


def _problem(status: int, message: str) -> Response:
    title = HTTPStatus(status).phrase
    return show("provider/error.html", None, None, status, title=title, message=message)
