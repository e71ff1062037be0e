"""The head of every page of an app: its name, its state, where it answers."""

from __future__ import annotations

from typing import Any

from kedge.dashboard.visit import Visit
from kedge.errors import NotFound
from kedge.ops import glances


def load(visit: Visit) -> dict[str, Any]:
    """What the head shows. Raises NotFound: the app was destroyed meanwhile."""
    glance = glances.glance(visit.services, visit.actor, visit.the_app.id)
    if glance is None:
        raise NotFound.of("app")
    return {"glance": glance, "web_url": visit.web_url, "git_url": visit.git_url}
