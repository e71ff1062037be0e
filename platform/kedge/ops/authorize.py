"""The one gate: who may do what to which app. Denies unless a rule allows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from kedge.errors import AppBeingDeleted, Forbidden, NotFound
from kedge.model.app import App
from kedge.model.event import Event


class Action(StrEnum):
    """Heroku's app permissions (https://devcenter.heroku.com/articles/app-permissions)."""

    VIEW = "view"
    DEPLOY = "deploy"
    OPERATE = "operate"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, by the token they showed."""

    account_id: uuid.UUID
    email: str
    is_owner: bool
    authorization_id: uuid.UUID | None = None


def visible_to(actor: Actor) -> Iterable[ColumnElement[bool]]:
    """The conditions under which an app is among an actor's."""
    alive = App.deleting_at.is_(None)
    return [alive] if actor.is_owner else [alive, App.owner_id == actor.account_id]


def allowed(actor: Actor, action: Action, app: App) -> bool:
    """Whether the actor may do this to the app: its owner and the installation's may do all."""
    del action
    return actor.is_owner or app.owner_id == actor.account_id


def find_app(
    tx: Session, actor: Actor, identity: str | uuid.UUID, action: Action, *, lock: bool = False
) -> App:
    """The app of that name or id, when the actor may do this to it; with `lock`, held till commit.

    Raises:
        NotFound: there is none, it is on its way out, or the actor may not even see it.
        Forbidden: they may see it, but not do this.
        AppBeingDeleted: it is on its way out and a change was asked for (`lock`).
    """
    query = select(App).where(_is(identity))
    if lock:
        query = query.with_for_update(of=App).execution_options(populate_existing=True)
    app = tx.scalar(query)
    if app is None or not allowed(actor, Action.VIEW, app):
        raise NotFound.of("app")
    if app.deleting_at and not lock:
        raise NotFound.of("app")
    if not allowed(actor, action, app):
        raise Forbidden(f"You need the {action} permission on {app.name}. Ask {app.owner.email}.")
    if app.deleting_at:
        raise AppBeingDeleted(app.name)
    return app


def record(
    tx: Session, actor: Actor, action: str, app: App | None = None, **details: object
) -> None:
    """Note in the audit log who did what. Never hand it secret values."""
    app_id = app.id if app else None
    tx.add(Event(app_id=app_id, actor=actor.email, action=action, details=details))


def _is(identity: str | uuid.UUID) -> ColumnElement[bool]:
    if isinstance(identity, uuid.UUID):
        return App.id == identity
    try:
        return or_(App.id == uuid.UUID(identity), App.name == identity)
    except ValueError:
        return App.name == identity
