"""The Add-on Partner API v3, as the platform asks it of one service.

https://devcenter.heroku.com/articles/add-on-partner-api-reference
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from kedge_addons.context import body, changing, lifecycle, service
from kedge_addons.database import uuid_of
from kedge_addons.errors import Gone, Refused, Unknown
from kedge_addons.lifecycle import ON_ITS_WAY
from kedge_addons.resource import Resource, State

Answer = tuple[dict[str, Any], int]
# The platform waits longer than this; a longer making is answered 202, and called back.
MAKING_SECONDS = 12.0
LEAVING_SECONDS = 2.0


def blueprint(name: str) -> Blueprint:
    """The partner API of one service."""
    routes = Blueprint("partner", __name__, url_prefix="/heroku/resources")

    @routes.post("")
    def provision() -> Answer:
        """Make a resource; the same uuid again, as after a lost answer, is the same resource."""
        asked = body()
        resource_id = uuid_of(asked.get("uuid"))
        if resource_id is None:
            raise Refused("The request names no uuid.")
        lifecycle().request(service(name), resource_id, asked)
        return _answer(name, resource_id)

    @routes.put("/<resource_id>")
    def change_plan(resource_id: str) -> Answer:
        """Move a resource to another plan."""
        wanted = service(name).offer.plan(body().get("plan"))
        with changing(name, resource_id) as resource:
            before = service(name).config(resource)
            changed = service(name).change_plan(resource, wanted)
            changed = lifecycle().tools.resources.keep(changed, plan=wanted.name)
            lifecycle().tools.resources.look_soon(changed.id)
        lifecycle().wake()
        after = service(name).config(changed)
        message = f"{changed.name} is on the plan {wanted.human_name}."
        return {"message": message} | ({"config": after} if after != before else {}), 200

    @routes.delete("/<resource_id>")
    def deprovision(resource_id: str) -> Answer:
        """Destroy a resource; what is in it rests for some days."""
        resource = lifecycle().tools.resources.find(name, uuid_of(resource_id))
        lifecycle().leave(resource)
        lifecycle().wait(resource.id, LEAVING_SECONDS)
        return {}, 200

    @routes.post("/<resource_id>/actions/restore")
    def restore(resource_id: str) -> Answer:
        """Bring back a destroyed resource, with all that was in it."""
        found = lifecycle().tools.resources.get(_known(name, resource_id))
        lifecycle().come_back(found)
        return _answer(name, found.id)

    return routes


def _answer(name: str, resource_id: uuid.UUID) -> Answer:
    """The resource with its config; or 202, and the platform is called back."""
    found = lifecycle().wait(resource_id, MAKING_SECONDS)
    if found.state in ON_ITS_WAY and lifecycle().promise(resource_id):
        return _shown(found, "It is being made."), 202
    found = lifecycle().tools.resources.get(resource_id)
    if found.state == State.FAILED:
        raise Refused(found.message or "It could not be made.")
    if found.state != State.READY:
        raise Gone(f"{found.name} was destroyed.")
    answered = _shown(found, service(name).message(found))
    return answered | {"config": service(name).config(found)}, 201


def _shown(resource: Resource, message: str) -> dict[str, Any]:
    return {"id": str(resource.id), "message": message}


def _known(name: str, resource_id: str) -> uuid.UUID:
    wanted = uuid_of(resource_id)
    if wanted is None or lifecycle().tools.resources.get(wanted).service != name:
        raise Unknown("There is no such resource.")
    return wanted
