"""How far a roll-out has come: what a client that waits for a change asks."""

from __future__ import annotations

import math
from contextlib import nullcontext

from flask import Blueprint, Response, request

from kedge.api.answers import answer
from kedge.api.context import actor, services, streams
from kedge.errors import InvalidParams
from kedge.model.release import Release
from kedge.model.tables import Json
from kedge.ops import rollouts

routes = Blueprint("rollouts", __name__)


@routes.get("/kedge/apps/<app>/rollout")
def info(app: str) -> Response:
    """The app's roll-out as soon as it is settled, or after `wait` seconds."""
    seconds = _wait_seconds()
    with streams().taken() if seconds > 0 else nullcontext():
        found = rollouts.watch(services(), actor(), app, seconds)
    coming = found.coming
    return answer(
        {
            "settled": found.is_settled,
            "head": found.head,
            "rolling_out": coming.version if coming else None,
            "stage": coming.stage if coming else None,
            "dynos": [
                {"name": dyno.name, "state": dyno.state, "release": dyno.release.version}
                for dyno in found.dynos
            ],
            "failed": _failed(found.last_failure),
        }
    )


def _wait_seconds() -> float:
    try:
        seconds = float(request.args.get("wait", "0"))
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise InvalidParams("wait must be a number of seconds.")
    return seconds


def _failed(release: Release | None) -> Json | None:
    if release is None:
        return None
    failure = release.failure or {}
    return {
        "version": release.version,
        "reason": failure.get("reason", "It failed for an unknown reason."),
        "code": failure.get("code"),
    }
