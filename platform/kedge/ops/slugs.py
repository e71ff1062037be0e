"""Slugs: kept of a build or an upload, and as people see them, listed and shown."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.engine.protocols import Built, SlugImage
from kedge.errors import NotFound
from kedge.ids import as_uuid
from kedge.model.build import Build
from kedge.model.slug import Slug
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.pages import Key, Keys, Page, moment, paged
from kedge.ops.services import Services

KEYS: Keys = {
    "created_at": Key(Slug.created_at, moment, is_unique=False),
    "id": Key(Slug.id, uuid.UUID),
}


def keep(tx: Session, build: Build, built: Built) -> Slug:
    """The slug of what a build made; its layers are in the slug store already."""
    slug = Slug(
        id=uuid.uuid4(),
        app_id=build.app_id,
        process_types=dict(built.process_types),
        commit=build.source_version,
        commit_description=build.source_version_description,
        description=built.description,
        buildpacks=[dict(used) for used in built.buildpacks],
        stack=build.stack,
    )
    fill(slug, built.slug)
    tx.add(slug)
    tx.flush()
    return slug


def list_slugs(services: Services, actor: Actor, app_identity: str, page: Page) -> list[Slug]:
    """A page of the app's slugs (`KEYS` order it), and one more when there is one."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Slug).where(Slug.app_id == app.id)
        return list(tx.scalars(paged(query, page, KEYS, Slug.id)))


def find(services: Services, actor: Actor, app_identity: str, identity: str) -> Slug:
    """A slug of the app by id. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        known = as_uuid(identity)
        found = tx.get(Slug, known) if known else None
        if found is None or found.app_id != app.id:
            raise NotFound.of("slug")
        return found


def fill(slug: Slug, image: SlugImage) -> None:
    """Note what a slug consists of; its layers are in the slug store already."""
    slug.digest = image.digest
    slug.layers = [
        {
            "digest": layer.digest,
            "kind": layer.kind,
            "plain_bytes": layer.plain_bytes,
            "stored_bytes": layer.stored_bytes,
        }
        for layer in image.layers
    ]
    slug.stored_bytes = sum(layer.stored_bytes for layer in image.layers)
