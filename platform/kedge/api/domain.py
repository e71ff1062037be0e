"""Domains: host names that lead to an app."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.domain import Domain
from kedge.model.tables import Json
from kedge.ops import apps, domains

routes = Blueprint("domains", __name__)


def shown(domain: Domain) -> Json:
    """A domain as the API shows it; `cname` is what a custom one must point to."""
    is_custom = domain.kind == "custom"
    target = apps.default_hostname(services(), domain.app.name)
    return {
        "acm_status": None,
        "acm_status_reason": None,
        "app": app_.named(domain.app),
        "cname": target if is_custom else None,
        "created_at": iso(domain.created_at),
        "hostname": domain.hostname,
        "id": str(domain.id),
        "kind": domain.kind,
        "sni_endpoint": None,
        "status": "succeeded" if is_custom else "none",
        "updated_at": iso(domain.updated_at),
    }


@routes.get("/apps/<app>/domains")
def list_(app: str) -> Response:
    """The app's host names, its own first."""
    return answer_list([shown(row) for row in domains.list_domains(services(), actor(), app)])


@routes.post("/apps/<app>/domains")
def create(app: str) -> Response:
    """Lead a host name to the app."""
    body = bodies.body()
    domains.check_sni_endpoint(body.get("sni_endpoint"))
    return answer(shown(domains.add(services(), actor(), app, body.get("hostname"))), 201)


@routes.get("/apps/<app>/domains/<domain>")
def info(app: str, domain: str) -> Response:
    """One domain, by host name or id."""
    return answer(shown(domains.find(services(), actor(), app, domain)))


@routes.patch("/apps/<app>/domains/<domain>")
def update(app: str, domain: str) -> Response:
    """Another `sni_endpoint`: null, as Kedge sees to the certificates and there are none."""
    body = bodies.body()
    if "sni_endpoint" not in body:
        raise InvalidParams("sni_endpoint is needed: null, as there are no SNI endpoints here.")
    return answer(shown(domains.update(services(), actor(), app, domain, body["sni_endpoint"])))


@routes.delete("/apps/<app>/domains/<domain>")
def destroy(app: str, domain: str) -> Response:
    """Lead a host name to the app no longer."""
    return answer(shown(domains.remove(services(), actor(), app, domain)))
