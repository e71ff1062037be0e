"""What the platform asks of heroku-postgresql beyond what it asks of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from kedge_addons.context import body, called, changing, lifecycle
from kedge_addons.database import uuid_of
from kedge_addons.errors import Refused
from kedge_addons.postgres import copying, insight, roles

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

    @routes.post("/copy")
    def copy(resource_id: object) -> tuple[Answer, int]:
        """Copy another resource's database over this one: `{"from": its uuid}`."""
        source_id = uuid_of(body().get("from"))
        if source_id is None:
            raise Refused("from must be the id of an add-on.")
        with changing(name, resource_id) as resource:
            copying.want(service, resource, source_id)
        lifecycle().wake()
        return copying.shown(called(name, resource_id)), 202

    @routes.get("/copy")
    def copy_state(resource_id: object) -> Answer:
        """The copy that runs now, or ran last."""
        return copying.shown(called(name, resource_id))

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
