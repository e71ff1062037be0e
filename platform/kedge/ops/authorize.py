"""The one gate: who may do what to which app. Denies unless a rule allows.

An app's owner and the owners of the installation may do everything; a collaborator what their row
says, and see the app. Nobody else learns that it exists. A token with narrower scopes may do less
than its account; an add-on's may do what its provider needs, and the docs have it all in one table:
docs/access.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, false, or_, select
from sqlalchemy.orm import Session

from kedge.errors import AppBeingDeleted, Forbidden, NotFound
from kedge.ids import as_uuid
from kedge.model.addon import Addon
from kedge.model.app import App
from kedge.model.collaborator import Collaborator
from kedge.model.event import Event
from kedge.plan.scopes import EVERYTHING, Scope, covers


class Action(StrEnum):
    """Heroku's app permissions (https://devcenter.heroku.com/articles/app-permissions)."""

    VIEW = "view"
    DEPLOY = "deploy"
    OPERATE = "operate"
    MANAGE = "manage"


ALL = frozenset(Action)
# A capability of a service of the platform itself: its add-ons run one-off dynos of their app.
RUNS_DYNOS = "run-dynos"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, by the token or the session they showed.

    `addon_id`: it is the provider of this add-on, in the name of the account that asked for it.
    """

    account_id: uuid.UUID
    email: str
    is_owner: bool
    authorization_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    addon_id: uuid.UUID | None = None
    scopes: frozenset[Scope] = EVERYTHING


def visible_to(actor: Actor) -> Iterable[ColumnElement[bool]]:
    """The conditions under which an app is among an actor's."""
    alive = App.deleting_at.is_(None)
    if actor.addon_id is not None:
        return [false()]
    if actor.is_owner:
        return [alive]
    works_on = exists().where(
        Collaborator.app_id == App.id, Collaborator.account_id == actor.account_id
    )
    return [alive, or_(App.owner_id == actor.account_id, works_on)]


def permissions_of(tx: Session, actor: Actor, app: App) -> frozenset[Action]:
    """All that the actor may do to the app; nothing, when they may not even see it."""
    if actor.addon_id is not None:
        return _provider_may(tx, actor.addon_id, app)
    if actor.is_owner or app.owner_id == actor.account_id:
        return ALL
    query = select(Collaborator.permissions).where(
        Collaborator.app_id == app.id, Collaborator.account_id == actor.account_id
    )
    granted = tx.scalar(query)
    if granted is None:
        return frozenset()
    return frozenset(action for action in Action if action in granted) | {Action.VIEW}


def require_scope(actor: Actor, needed: Scope) -> None:
    """Raises Forbidden unless the token that was shown may be used for this."""
    if not covers(actor.scopes, needed):
        held = ", ".join(sorted(actor.scopes)) or "those of an add-on's provider"
        raise Forbidden(
            f"This needs a token with the scope {needed}; this one has: {held}. "
            f"`kedge authorizations:create --scope {needed}` makes one."
        )


def require_owner(actor: Actor) -> None:
    """Raises Forbidden unless the actor owns the installation: people, services, the platform."""
    if not actor.is_owner or actor.addon_id is not None:
        raise Forbidden("Only owners of this installation may do that. Ask one of them.")


def find_app(
    tx: Session,
    actor: Actor,
    identity: str | uuid.UUID,
    action: Action,
    *,
    lock: bool = False,
    for_change: bool = False,
) -> App:
    """The app of that name or id, when the actor may do this to it; with `lock`, held till commit.

    `for_change` says that a change is asked for, as `lock` does, before there is a lock.

    Raises:
        NotFound: there is none, it is on its way out, or the actor may not even see it.
        Forbidden: they may see it, but not do this.
        AppBeingDeleted: it is on its way out and a change was asked for.
    """
    app = _one(tx, identity, lock=lock)
    may = permissions_of(tx, actor, app) if app is not None else frozenset()
    if app is None or Action.VIEW not in may:
        raise NotFound.of("app")
    if app.deleting_at and not (lock or for_change):
        raise NotFound.of("app")
    if action not in may:
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


def _provider_may(tx: Session, addon_id: uuid.UUID, app: App) -> frozenset[Action]:
    """Of its add-on's own app: the platform's own providers that run dynos, and no others."""
    addon = tx.get(Addon, addon_id)
    if addon is None or addon.app_id != app.id or not addon.service.is_builtin:
        return frozenset()
    runs = RUNS_DYNOS in addon.service.capabilities
    return frozenset({Action.VIEW, Action.OPERATE}) if runs else frozenset()


def _one(tx: Session, identity: str | uuid.UUID, *, lock: bool) -> App | None:
    """By id where it is one (no name is as long), and then as the transaction knows it already."""
    app_id = identity if isinstance(identity, uuid.UUID) else as_uuid(identity)
    if app_id and not lock:
        return tx.get(App, app_id)
    query = select(App).where(App.id == app_id if app_id else App.name == identity)
    if lock:
        query = query.with_for_update(of=App).execution_options(populate_existing=True)
    return tx.scalar(query)
