"""Encryption keys of the installation."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.ops import keys

routes = Blueprint("keys", __name__)


@routes.post("/kedge/keys/rotate")
def rotate() -> Response:
    """Seal everything kept encrypted with a new key. For the installation's owner."""
    bodies.body()
    done = keys.rotate(services(), actor())
    return answer(
        {
            "resealed": done.config_snapshots,
            "platform_keys": done.platform_keys,
            "dynos": done.dynos,
            "unreadable": done.unreadable,
        }
    )
