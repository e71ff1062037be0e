"""The add-on services of the platform: its own, and those of others, registered by manifest."""

from __future__ import annotations

import json

from flask import Blueprint, Response, request

from kedge.dashboard import context
from kedge.dashboard.answers import Problem, go, show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import InvalidParams, KedgeError
from kedge.ops import addon_services

routes = Blueprint("platform_services", __name__)
PATH = "/dashboard/platform/services"
MENDABLE = {404, 409, 422}


def load(visit: Visit) -> Facts:
    """What is offered, and how much of it is in use."""
    return {"offered": addon_services.list_in_use(visit.services, visit.actor)}


PAGE = register(
    Page(
        name="platform_services",
        title="Add-on services",
        load=load,
        regions={"services": "platform/services"},
        of_app=False,
        for_owners=True,
        pace_seconds=1.0,
    )
)


@routes.get(PATH)
def show_() -> Response:
    """What is offered."""
    return show(PAGE, visit_of(PAGE))


@routes.post(PATH)
def register_() -> Response:
    """Register a service by its manifest, or change one."""
    text = request.form.get("manifest", "")
    try:
        made = addon_services.register(context.services(), context.actor(), _manifest(text))
    except KedgeError as error:
        if error.status not in MENDABLE:
            raise
        # What was typed holds the provider's password: it goes back to nobody but who typed it.
        problem = Problem("register", error.message, {"manifest": text})
        return show(PAGE, visit_of(PAGE), problem, error.status)
    return go(PATH, f"{made.human_name} is offered now: apps find it under Resources.")


@routes.post(f"{PATH}/retire")
def retire() -> Response:
    """Offer a service no longer."""
    try:
        gone = addon_services.retire(
            context.services(), context.actor(), request.form.get("service", "")
        )
    except KedgeError as error:
        if error.status not in MENDABLE:
            raise
        return show(PAGE, visit_of(PAGE), Problem("services", error.message), error.status)
    return go(PATH, f"{gone.human_name} is offered no longer.")


def _manifest(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidParams(f"That is no JSON: {error}. A manifest is a JSON object.") from None
    if not isinstance(read, dict):
        raise InvalidParams("A manifest is a JSON object: docs/addons.md shows one.")
    return read
