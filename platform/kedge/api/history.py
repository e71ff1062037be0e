"""What the record of releases tells: what differs between two, whether any was altered."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.model.tables import Json
from kedge.ops import history
from kedge.ops.history import Pair

routes = Blueprint("history", __name__)


def shown(found: history.Difference) -> Json:
    """A difference as the API shows it."""
    return {
        "from": found.from_version,
        "to": found.to_version,
        "code": {"from": found.code.old, "to": found.code.new, "same": found.is_same_code},
        "config": [{"key": each.key, "change": each.change} for each in found.config],
        "process_types": [_typed(each) for each in found.process_types],
        "formation": [_typed(each) for each in found.formation],
        "stack": {"from": found.stack.old, "to": found.stack.new},
    }


@routes.get("/kedge/apps/<app>/releases/diff")
def diff(app: str) -> Response:
    """What differs from release `from` to release `to`; config values are not shown.

    Without `to` it is the newest; without `from`, the one before `to`. With `as=rollback` it is
    what a rollback to release `to` would change of what runs.
    """
    old, new = request.args.get("from"), request.args.get("to")
    if new and request.args.get("as") == "rollback":
        found = history.rollback(services(), actor(), app, new)
    else:
        found = history.diff(services(), actor(), app, old, new)
    return answer(shown(found))


@routes.get("/kedge/apps/<app>/releases/verify")
def verify(app: str) -> Response:
    """Whether every release is as it was made, and none is missing."""
    return answer(asdict(history.verify(services(), actor(), app)))


def _typed(pair: Pair) -> Json:
    return {"type": pair.name, "from": pair.old, "to": pair.new}
