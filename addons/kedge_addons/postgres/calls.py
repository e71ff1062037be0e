"""What the platform asks of heroku-postgresql beyond what it asks of every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from kedge_addons.context import body, called, changing
from kedge_addons.errors import Refused
from kedge_addons.postgres import insight, roles
from kedge_addons.postgres.backups import calls as backup_calls

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
            service.backups.transfers.check_idle(resource.id)
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

    @routes.post("/connections/end")
    def end_connections(resource_id: object) -> Answer:
        """End all connections; with `pid` cancel what that one runs, with `force` end it."""
        asked, sql = body(), service.sql(called(name, resource_id))
        return {"ended": insight.end_connections(sql, _pid(asked), force=bool(asked.get("force")))}

    routes.register_blueprint(backup_calls.blueprint(service))
    return routes


def _pid(asked: dict[str, Any]) -> int | None:
    pid = asked.get("pid")
    if pid is None:
        return None
    if isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid < 2**31:
        raise Refused("pid must be the number of a process.")
    return pid
