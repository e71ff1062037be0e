"""What the platform asks of heroku-postgresql beyond what it asks of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from kedge_addons.context import called, changing
from kedge_addons.postgres import insight, roles

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

Answer = dict[str, Any]


def blueprint(service: Postgres) -> Blueprint:
    """The calls, below `/heroku-postgresql/kedge/resources/<resource_id>`."""
    routes = Blueprint("postgres", __name__)
    name = service.offer.name

    @routes.post("/reset")
    def reset(resource_id: object) -> Answer:
        """Throw all away that is in the database."""
        with changing(name, resource_id) as resource:
            connections = service.plan_of(resource).limits["connections"]
            service.sql(resource).run(roles.empty(resource.secrets, connections))
        return {"message": f"{resource.name} is empty."}

    @routes.get("/slow-queries")
    def slow_queries(resource_id: object) -> Answer:
        """The statements that took most time."""
        return {"queries": insight.slow_queries(service.sql(called(name, resource_id)))}

    @routes.delete("/slow-queries")
    def forget_slow_queries(resource_id: object) -> Answer:
        """Count anew."""
        insight.forget_slow_queries(service.sql(called(name, resource_id)))
        return {}

    @routes.get("/connections")
    def connections(resource_id: object) -> Answer:
        """Who is connected."""
        return {"connections": insight.connections(service.sql(called(name, resource_id)))}

    return routes
