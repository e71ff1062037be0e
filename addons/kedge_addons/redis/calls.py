"""What the platform asks of heroku-redis beyond what it asks of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from kedge_addons.context import body, called, changing
from kedge_addons.redis.server import policy_of

if TYPE_CHECKING:
    from kedge_addons.redis.service import Redis

Answer = dict[str, Any]


def blueprint(service: Redis) -> Blueprint:
    """The calls, below `/heroku-redis/kedge/resources/<resource_id>`."""
    routes = Blueprint("redis", __name__)
    name = service.offer.name

    @routes.get("/info")
    def info(resource_id: object) -> Answer:
        """All that the server tells of itself."""
        return dict(service.commands(called(name, resource_id)).info())

    @routes.post("/maxmemory")
    def maxmemory(resource_id: object) -> Answer:
        """What happens when the memory is full: `{"policy": "allkeys-lru"}`."""
        with changing(name, resource_id) as resource:
            changed = service.set_policy(resource, str(body().get("policy")))
        return {"policy": policy_of(changed)}

    return routes
