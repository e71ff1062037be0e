"""Releases: listed, shown, made out of a slug, rolled back to."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services, url
from kedge.api.lists import answer_page, asked_page
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.release import Release
from kedge.model.tables import Json
from kedge.ops import releases, slug_uploads

routes = Blueprint("releases", __name__)


def shown(release: Release) -> Json:
    """A release as the API shows it."""
    slug = {"id": str(release.slug_id)} if release.slug_id else None
    return {
        "addon_plan_names": [addon["plan"] for addon in release.addons],
        "app": app_.named(release.app),
        "artifacts": [{"type": "slug", **slug}] if slug else [],
        "created_at": iso(release.created_at),
        "current": release.version == release.app.head_version,
        "description": release.description,
        "eligible_for_rollback": release.is_eligible_for_rollback,
        "id": str(release.id),
        "output_stream_url": url("output", release.output_id) if release.output_id else None,
        "slug": slug,
        "status": release.status,
        "updated_at": iso(release.updated_at),
        "user": {"email": release.user.email, "id": str(release.user.id)},
        "version": release.version,
    }


@routes.get("/apps/<app>/releases")
def list_(app: str) -> Response:
    """The releases of an app, oldest first unless the Range says `order=desc`."""
    page = asked_page(releases.KEYS, "version")
    rows = releases.list_releases(services(), actor(), app, page)
    return answer_page(rows, page, releases.KEYS, shown)


@routes.get("/apps/<app>/releases/<release>")
def info(app: str, release: str) -> Response:
    """One release, by number, id or `current`."""
    return answer(shown(releases.show(services(), actor(), app, release)))


@routes.post("/apps/<app>/releases")
def create(app: str) -> Response:
    """A release out of an earlier one (`release`: a rollback) or out of a slug (`slug`)."""
    body = bodies.body()
    earlier = bodies.identity(body, "release") if not _is_number(body) else str(body["release"])
    if earlier:
        return answer(shown(releases.rollback(services(), actor(), app, earlier)), 201)
    slug_id = _slug_id(bodies.identity(body, "slug"))
    description = bodies.text(body, "description", limit=1000)
    made = slug_uploads.deploy(services(), actor(), app, slug_id, description)
    return answer(shown(made), 201)


def _is_number(body: Json) -> bool:
    return isinstance(body.get("release"), int)


def _slug_id(identity: str | None) -> uuid.UUID:
    if identity is None:
        words = "A release needs release (the id of one to roll back to) or slug (a slug's id)."
        raise InvalidParams(words)
    try:
        return uuid.UUID(identity)
    except ValueError:
        raise InvalidParams("slug must be the id of a slug.", resource="slug") from None
