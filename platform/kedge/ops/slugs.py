"""Slugs as people see them: listed and shown."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from kedge.errors import NotFound
from kedge.model.slug import Slug
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.pages import Key, Keys, Page, moment, paged
from kedge.ops.services import Services

KEYS: Keys = {
    "created_at": Key(Slug.created_at, moment, is_unique=False),
    "id": Key(Slug.id, uuid.UUID),
}


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
        try:
            found = tx.get(Slug, uuid.UUID(identity))
        except ValueError:
            found = None
        if found is None or found.app_id != app.id:
            raise NotFound.of("slug")
        return found
