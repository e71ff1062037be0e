"""The address every open page listens to: `/dashboard/live?page=overview&app=ID&seen=…`."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, request

from kedge.dashboard import context, cookies, forms, logs
from kedge.dashboard.live.hub import Reader, Watch
from kedge.dashboard.live.output import OutputWatch
from kedge.dashboard.live.regions import Regions
from kedge.dashboard.live.stream import Stream, Tail, marks_of
from kedge.dashboard.page import Page, find
from kedge.dashboard.visit import Visit, visit_app
from kedge.errors import NotFound
from kedge.ids import as_uuid
from kedge.ops import outputs, sessions
from kedge.ops.authorize import require_owner
from kedge.ops.services import Services

routes = Blueprint("live", __name__)
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@routes.get("/dashboard/live")
def stream() -> Response:
    """What changes on an open page, as server-sent events, until it is closed."""
    services, who, token = context.services(), context.session(), cookies.session_token() or ""
    page = find(request.args.get("page", ""))
    visit = _visit(page)
    watches: dict[str, Watch] = {"regions": Regions(page, visit)}
    if wanted := request.args.get("output"):
        watches["output"] = OutputWatch(services, _output(visit, wanted))
    tails: dict[str, Tail] = {}
    if page is logs.PAGE:
        tails["log"] = logs.LogTail(services, visit)
    asked = {name: request.args.get(f"seen.{name}", "") for name in ("regions", "output", "log")}
    marks = asked | marks_of(request.headers.get("Last-Event-ID"))
    made = Stream(
        context.dashboard().hub, Reader(who.actor), watches, tails, marks,
        lambda: forms.token(who.csrf_key),
    )  # fmt: skip
    events = made.events(request.environ, lambda: _check(services, token, page))
    body = context.streams().held(events)
    return Response(body, mimetype="text/event-stream", headers=HEADERS)


def _check(services: Services, token: str, page: Page) -> None:
    """Whether the session goes on, of one who may see the page. Raises Unauthorized, Forbidden."""
    who = sessions.resume(services, token)
    if page.for_owners:
        require_owner(who.actor)


def _visit(page: Page) -> Visit:
    arguments = {name: request.args.get(name, "") for name in page.arguments}
    services, actor, origin = context.services(), context.actor(), context.origin()
    if page.for_owners:
        require_owner(actor)
    if page.of_app:
        return visit_app(services, actor, request.args.get("app", ""), origin, arguments)
    return Visit(services=services, actor=actor, origin=origin, arguments=arguments)


def _output(visit: Visit, wanted: str) -> uuid.UUID:
    """The id of an output of the app. Raises NotFound."""
    output_id = as_uuid(wanted)
    if output_id is None or not outputs.is_of(visit.services, output_id, visit.the_app.id):
        raise NotFound.of("output")
    return output_id
