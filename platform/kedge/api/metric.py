"""Metrics of an app as series over a span of time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request

from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.tables import Json
from kedge.ops import metrics
from kedge.ops.metrics import Marker
from kedge.ops.pages import moment

routes = Blueprint("metrics", __name__)
SPAN = timedelta(hours=2)
POINTS = 120
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)  # far enough from where the calendar begins


@routes.get("/kedge/apps/<app>/metrics")
def show(app: str) -> Response:
    """Requests, response times, memory and processor of an app, with what happened to it.

    From `since` to `until` (moments; the last two hours), as at most `points` values each.
    """
    until = _moment("until", services().now())
    since = _moment("since", max(until, EARLIEST) - SPAN)
    found = metrics.read(services(), actor(), app, since, until, _points())
    return answer(_shown(found))


def _shown(found: metrics.Metrics) -> Json:
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "step_seconds": int(found.step.total_seconds()),
        "moments": [iso(each) for each in found.moments],
        "requests": found.requests,
        "response_ms": found.response_ms,
        "sent_bytes": found.sent_bytes,
        "errors": found.errors,
        "dynos": {name: asdict(each) for name, each in found.dynos.items()},
        "markers": [_marker(each) for each in found.markers],
    }


def _marker(marker: Marker) -> Json:
    return {**asdict(marker), "at": iso(marker.at)}


def _moment(name: str, default: datetime) -> datetime:
    written = request.args.get(name)
    try:
        return moment(written) if written else default
    except (ValueError, OverflowError):
        raise InvalidParams(f"{name} must be a moment such as 2026-01-31T12:00:00Z.") from None


def _points() -> int:
    written = request.args.get("points", str(POINTS))
    if not written.isdecimal() or len(written) > 6:
        raise InvalidParams("points must be a whole number.")
    return int(written)
