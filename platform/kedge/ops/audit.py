"""The audit log: who changed what, when. Read by owners of the installation, altered by nobody."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from kedge.model.app import App
from kedge.model.event import Event
from kedge.ops.authorize import Actor, require_owner
from kedge.ops.services import Services

NAMING = ("app.create", "app.destroy")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `app` is the app's name now, or the one it had; None where it was of no app."""

    event: Event
    app: str | None
    is_there: bool


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of changes, newest first; the next one holds what is before the event `older`."""

    entries: list[Entry]
    older: int | None


def entries(
    services: Services,
    actor: Actor,
    *,
    person: str = "",
    app: str = "",
    kind: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Entries:
    """A page of the audit log. Raises Forbidden.

    Args:
        services: as everywhere.
        actor: an owner of the installation.
        person: only changes by this e-mail.
        app: only changes of the app of this name, or of one that had it.
        kind: only changes whose action is of this kind: `config` for `config.change`.
        before: only events before this one.
        limit: how many.
    """
    require_owner(actor)
    with services.database.transaction() as tx:
        query = select(Event).order_by(Event.id.desc()).limit(limit + 1)
        query = query.where(*_conditions(tx, person, app, kind))
        if before is not None:
            query = query.where(Event.id < before)
        found = list(tx.scalars(query))
        names = _names(tx, {each.app_id for each in found if each.app_id})
    shown = [Entry(e, *names.get(e.app_id, (None, False))) for e in found[:limit]]
    return Entries(shown, found[limit - 1].id if len(found) > limit else None)


def people(services: Services, actor: Actor) -> list[str]:
    """Everybody who changed anything lately. Raises Forbidden."""
    require_owner(actor)
    newest = select(Event.actor).order_by(Event.id.desc()).limit(2000).subquery()
    with services.database.transaction() as tx:
        return list(tx.scalars(select(newest.c.actor).distinct().order_by(newest.c.actor)))


def _conditions(tx: Session, person: str, app: str, kind: str) -> list[ColumnElement[bool]]:
    conditions = []
    if person:
        conditions.append(Event.actor == person)
    if kind:
        conditions.append(Event.action.startswith(f"{kind}.", autoescape=True))
    if app:
        conditions.append(Event.app_id.in_(_ids(tx, app)))
    return conditions


def _ids(tx: Session, name: str) -> set[uuid.UUID]:
    """Apps that have the name, or had it when they were made, renamed or destroyed."""
    had = or_(
        Event.action.in_(NAMING) & (Event.details["name"].astext == name),
        (Event.action == "app.rename") & (Event.details["old"].astext == name),
    )
    past = tx.scalars(select(Event.app_id).where(had, Event.app_id.is_not(None)))
    return {each for each in past if each} | set(tx.scalars(select(App.id).where(App.name == name)))


def _names(tx: Session, ids: set[uuid.UUID]) -> dict[Any, tuple[str | None, bool]]:
    """The names of these apps, and whether they are still there."""
    past = select(Event.app_id, Event.details["name"].astext).where(
        Event.app_id.in_(ids), Event.action.in_(NAMING)
    )
    names: dict[Any, tuple[str | None, bool]] = {}
    for app_id, name in tx.execute(past.order_by(Event.id)):
        names[app_id] = (name, False)
    there = select(App.id, App.name).where(App.id.in_(ids))
    return names | {app_id: (name, True) for app_id, name in tx.execute(there)}
