"""What the platform asks of every service beyond the partner API: how it is, new credentials."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint

from kedge_addons.context import body, called, changing, lifecycle, rotated, service
from kedge_addons.database import uuid_of
from kedge_addons.errors import Refused, Unknown
from kedge_addons.resource import State
from kedge_addons.served import ServerService

Answer = tuple[dict[str, Any], int]


def blueprint(name: str) -> Blueprint:
    """The calls of one service."""
    routes = Blueprint("own", __name__, url_prefix="/kedge/resources/<resource_id>")

    @routes.get("")
    def observe(resource_id: str) -> Answer:
        """The resource as it is seen now."""
        wanted = uuid_of(resource_id)
        resource = lifecycle().tools.resources.get(wanted) if wanted else None
        if resource is None or resource.service != name or resource.state == State.REMOVED:
            raise Unknown("There is no such resource.")
        plan = service(name).plan_of(resource)
        seen = asdict(service(name).observe(resource))
        return seen | {"limits": dict(plan.limits), "plan": plan.name,
                       "attributes": dict(plan.attributes), "name": resource.name}, 200  # fmt: skip

    @routes.post("/credentials/rotate")
    def rotate(resource_id: str) -> Answer:
        """New credentials; `{"force": true}` ends the old ones at once."""
        try:
            fresh = rotated(name, resource_id, at_once=body().get("force") is True)
        except NotImplementedError:
            raise Refused(f"{service(name).offer.human_name} has no credentials.") from None
        return {"message": f"{fresh.name} has new credentials."}, 200

    @routes.post("/restart")
    def restart(resource_id: str) -> Answer:
        """Restart the server."""
        resource = called(name, resource_id)
        if not isinstance(service(name), ServerService):
            raise Refused(f"{service(name).offer.human_name} has no server of its own.")
        with changing(name, resource_id):
            lifecycle().tools.instances.restart(resource.id)
        return {"message": f"{resource.name} restarts."}, 200

    return routes
