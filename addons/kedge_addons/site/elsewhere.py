"""Services without pages of their own: each of their add-ons has one in the dashboard."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

from kedge_addons.service import Service


def blueprint(service: Service) -> Blueprint:
    """Leads who was signed in for an add-on to its page in the dashboard, at the same address."""
    pages = Blueprint("elsewhere", __name__)

    @pages.get("/")
    def page(resource_id: UUID) -> Response:
        """The add-on's page in the dashboard."""
        found = service.tools.resources.find(service.offer.name, resource_id)
        return redirect(f"/dashboard/addons/{found.name}", 303)

    return pages
