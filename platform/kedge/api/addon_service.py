"""Add-on services and their plans."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, public, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import NotFound
from kedge.model.addon import AddonService, Plan
from kedge.model.tables import Json
from kedge.ops import addon_services

routes = Blueprint("addon_services", __name__)
GENERATION = {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "cedar")), "name": "cedar"}


def shown(service: AddonService) -> Json:
    """A service as the API shows it."""
    return {
        "cli_plugin_name": None,
        "created_at": iso(service.created_at),
        "human_name": service.human_name,
        "id": str(service.id),
        "name": service.name,
        "state": "ga",
        "supported_generations": [GENERATION],
        "supports_multiple_installations": True,
        "supports_sharing": True,
        "updated_at": iso(service.updated_at),
    }


def shown_plan(plan: Plan) -> Json:
    """A plan as the API shows it."""
    return {
        "addon_service": {"id": str(plan.service.id), "name": plan.service.name},
        "compliance": None,
        "created_at": iso(plan.created_at),
        "default": plan.is_default,
        "description": plan.description,
        "human_name": plan.human_name,
        "id": str(plan.id),
        "installable_inside_private_network": False,
        "installable_outside_private_network": True,
        "name": plan.name,
        "price": {"cents": plan.price_cents, "contract": False, "unit": plan.price_unit},
        "space_default": False,
        "state": "retired" if plan.is_retired else "ga",
        "updated_at": iso(plan.updated_at),
        "visible": True,
    }


@routes.get("/addon-services")
@public
def list_() -> Response:
    """The add-on services there are."""
    return answer_list([shown(each) for each in addon_services.list_services(services())])


@routes.get("/addon-services/<service>")
@public
def info(service: str) -> Response:
    """One add-on service, by name or id."""
    return answer(shown(addon_services.find_service(services(), service)))


@routes.get("/addon-services/<service>/plans")
@public
def plans(service: str) -> Response:
    """The plans of an add-on service."""
    return answer_list([shown_plan(p) for p in addon_services.list_plans(services(), service)])


@routes.get("/addon-services/<service>/plans/<plan>")
@public
def plan_of_service(service: str, plan: str) -> Response:
    """One plan of an add-on service, by name or id."""
    for each in addon_services.list_plans(services(), service):
        if plan in (each.name, each.short_name, str(each.id)):
            return answer(shown_plan(each))
    raise NotFound.of("plan")


@routes.get("/plans/<plan>")
@public
def plan(plan: str) -> Response:
    """One plan, by its whole name or id."""
    return answer(shown_plan(addon_services.find_plan(services(), plan)))


@routes.post("/kedge/addon-services")
def register() -> Response:
    """Offer the add-on service of a manifest. For owners of the installation."""
    return answer(shown(addon_services.register(services(), actor(), bodies.body())), 201)


@routes.delete("/kedge/addon-services/<service>")
def retire(service: str) -> Response:
    """Offer an add-on service no longer. For owners of the installation."""
    return answer(shown(addon_services.retire(services(), actor(), service)))
