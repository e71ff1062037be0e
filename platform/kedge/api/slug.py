"""Slugs: the built code releases are made of."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import stack
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_page, asked_page
from kedge.clock import iso
from kedge.model.slug import Slug
from kedge.model.tables import Json
from kedge.ops import slugs

routes = Blueprint("slugs", __name__)


def shown(slug: Slug) -> Json:
    """A slug as the API shows it."""
    return {
        "buildpack_provided_description": slug.description,
        "checksum": f"SHA256:{slug.digest}",
        "commit": slug.commit,
        "commit_description": slug.commit_description,
        "created_at": iso(slug.created_at),
        "deleted_at": None,
        "id": str(slug.id),
        "process_types": slug.process_types,
        "size": slug.stored_bytes,
        "stack": stack.named(slug.stack),
        "updated_at": iso(slug.updated_at),
    }


@routes.get("/apps/<app>/slugs")
def list_(app: str) -> Response:
    """The slugs of an app, oldest first unless the Range says otherwise."""
    page = asked_page(slugs.KEYS, "created_at")
    rows = slugs.list_slugs(services(), actor(), app, page)
    return answer_page(rows, page, slugs.KEYS, shown)


@routes.get("/apps/<app>/slugs/<slug>")
def info(app: str, slug: str) -> Response:
    """One slug, by id."""
    return answer(shown(slugs.find(services(), actor(), app, slug)))
