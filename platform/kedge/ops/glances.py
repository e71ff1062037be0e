"""Apps at a glance: many of them with their state, in a handful of queries however many."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.dyno import Dyno
from kedge.model.favourite import Favourite
from kedge.model.formation import Formation
from kedge.model.release import Release, Status
from kedge.ops.authorize import Actor, visible_to
from kedge.ops.dynos import SHOWN
from kedge.ops.releases import is_head
from kedge.ops.services import Services
from kedge.plan.glance import Look, Standing, standing


@dataclass(frozen=True, slots=True)
class Live:
    """The release that runs."""

    version: int
    description: str
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """An app at a glance."""

    id: uuid.UUID
    name: str
    owner: str
    is_favourite: bool
    language: str | None
    created_at: datetime
    standing: Standing
    quantities: Mapping[str, int]
    live: Live | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list goes on: after this app."""

    is_favourite: bool
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list, and where the next one begins, if there is one."""

    apps: list[Glance]
    next: Place | None


def list_glances(
    services: Services, actor: Actor, *, search: str = "", after: Place | None = None, limit: int
) -> Found:
    """A page of the apps an actor may see, favourites first, then by name."""
    with services.database.transaction() as tx:
        rows = tx.execute(_page(actor, search, after).limit(limit + 1)).all()
        apps = _glances(tx, rows[:limit])
    last = apps[-1] if len(rows) > limit else None
    return Found(apps, Place(last.is_favourite, last.name) if last else None)


def names(services: Services, actor: Actor, search: str, limit: int) -> list[str]:
    """Names of apps an actor may see that hold these letters; those that begin with them first."""
    query = select(App.name).where(*visible_to(actor), App.name.contains(search, autoescape=True))
    begins = App.name.startswith(search, autoescape=True)
    with services.database.transaction() as tx:
        return list(tx.scalars(query.order_by(begins.desc(), App.name).limit(limit)))


def glance(services: Services, actor: Actor, app_id: uuid.UUID) -> Glance | None:
    """One app; None when the actor may not see it."""
    with services.database.transaction() as tx:
        rows = tx.execute(_rows(actor).where(App.id == app_id)).all()
        found = _glances(tx, rows)
    return found[0] if found else None


def _page(actor: Actor, search: str, after: Place | None) -> Select[*tuple[Any, ...]]:
    is_other = Favourite.app_id.is_(None)
    query = _rows(actor).order_by(is_other, App.name)
    if search:
        query = query.where(App.name.contains(search, autoescape=True))
    if after:
        query = query.where(tuple_(is_other, App.name) > (not after.is_favourite, after.name))
    return query


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    """What a glance needs of an app itself, and of the release that runs."""
    return _ROWS.where(*visible_to(actor)).params(me=actor.account_id)


def _of_everybody() -> Select[*tuple[Any, ...]]:
    """Made once: to put such a query together takes longer than to run it."""
    owner, user = aliased(Account), aliased(Account)
    is_mine = and_(Favourite.app_id == App.id, Favourite.account_id == bindparam("me"))
    return (
        select(
            App.id,
            App.name,
            App.maintenance,
            App.deleting_at,
            App.buildpack_description,
            App.created_at,
            owner.email.label("owner"),
            user.email.label("user"),
            Release.version,
            Release.description,
            Release.slug_id,
            Release.created_at.label("released_at"),
            Favourite.app_id.label("favourite"),
        )
        .join(owner, App.owner_id == owner.id)
        .outerjoin(Release, is_head(Release))
        .outerjoin(user, Release.user_id == user.id)
        .outerjoin(Favourite, is_mine)
    )


_ROWS = _of_everybody()


def _glances(tx: Session, rows: Sequence[Any]) -> list[Glance]:
    ids = [row.id for row in rows]
    looks = Looks.read(tx, ids)
    return [_glance(row, looks) for row in rows]


def _glance(row: Any, looks: Looks) -> Glance:
    look = Look(
        has_code=row.slug_id is not None,
        is_being_deleted=row.deleting_at is not None,
        is_in_maintenance=row.maintenance,
        is_building=(row.id, "build") in looks.pending,
        is_releasing=(row.id, "release") in looks.pending,
        quantities=looks.quantities.get(row.id, {}),
        dynos=looks.dynos.get(row.id, {}),
    )
    live = None
    if row.slug_id is not None:
        live = Live(row.version, row.description, row.user, row.released_at)
    return Glance(
        id=row.id,
        name=row.name,
        owner=row.owner,
        is_favourite=row.favourite is not None,
        language=row.buildpack_description,
        created_at=row.created_at,
        standing=standing(look),
        quantities={name: n for name, n in look.quantities.items() if n},
        live=live,
    )


@dataclass(frozen=True, slots=True)
class Looks:
    """What runs and what is under way, by app."""

    dynos: Mapping[uuid.UUID, Mapping[tuple[str, str], int]]
    quantities: Mapping[uuid.UUID, Mapping[str, int]]
    pending: frozenset[tuple[uuid.UUID, str]]

    @classmethod
    def read(cls, tx: Session, ids: Sequence[uuid.UUID]) -> Looks:
        """Of these apps, in one query."""
        rows = tx.execute(_LOOKS, {"ids": ids}).all()
        return cls(
            _nested(((a, (t, s)), n) for a, what, t, s, n in rows if what == "dyno"),
            _nested(((a, t), n) for a, what, t, _, n in rows if what == "formation"),
            frozenset((a, what) for a, what, *_ in rows if what in ("build", "release")),
        )


def _looks() -> CompoundSelect[*tuple[Any, ...]]:
    """(app, what, type, state, number): dynos, what is wanted of them, and what is under way."""
    ids: BindParameter[Any] = bindparam("ids", expanding=True)
    none: ColumnElement[str] = literal_column("''")
    zero: ColumnElement[int] = literal_column("0")

    def of(what: str, app_id: Any, *columns: Any) -> Select[*tuple[Any, ...]]:
        return select(app_id, literal_column(f"'{what}'"), *columns).where(app_id.in_(ids))

    dynos = of("dyno", Dyno.app_id, Dyno.type, Dyno.state, func.count())
    return union_all(
        dynos.where(Dyno.state.in_(SHOWN), Dyno.kind == "dyno")
        .group_by(Dyno.app_id, Dyno.type, Dyno.state),
        of("formation", Formation.app_id, Formation.type, none, Formation.quantity),
        of("build", Build.app_id, none, none, zero).where(Build.status == "pending"),
        of("release", Release.app_id, none, none, zero).where(Release.status == Status.PENDING),
    )  # fmt: skip


_LOOKS = _looks()


def _nested(pairs: Iterable[tuple[tuple[uuid.UUID, Any], int]]) -> dict[uuid.UUID, dict[Any, int]]:
    found: dict[uuid.UUID, dict[Any, int]] = {}
    for (app_id, key), number in pairs:
        found.setdefault(app_id, {})[key] = number
    return found
