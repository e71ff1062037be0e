"""What the platform asks of heroku-redis beyond what it asks of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from kedge_addons.context import body, called, changing
from kedge_addons.redis import tuning

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

    @routes.get("/config")
    def config(resource_id: object) -> Answer:
        """The settings people may change."""
        return tuning.of(called(name, resource_id))

    @routes.patch("/config")
    def change_config(resource_id: object) -> Answer:
        """Change one or more of them, at once."""
        wanted = tuning.checked(body())
        with changing(name, resource_id) as resource:
            return tuning.of(service.tune(resource, wanted))

    @routes.post("/stats/reset")
    def reset_stats(resource_id: object) -> Answer:
        """Count hits, misses and the rest from now on."""
        service.commands(called(name, resource_id)).run("CONFIG RESETSTAT")
        return {}

    return routes
