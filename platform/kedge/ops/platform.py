"""The platform itself, as its owners look at it: its parts, its machine, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from kedge.engine.protocols import PartSeen, Survey
from kedge.model.addon import Addon, State
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.dyno import Dyno
from kedge.model.release import Release, Status
from kedge.ops.authorize import Actor, require_owner
from kedge.ops.dynos import SHOWN
from kedge.ops.services import Services

LISTED = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that is not done yet. `kind` is build, release or add-on; `state` how far it is."""

    kind: str
    name: str
    app: str | None
    state: str
    since: datetime
    identity: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits or is under way: the oldest of it, and how much there is."""

    oldest: list[Waiting]
    count: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is of everything."""

    apps: int
    dynos: int
    addons: int
    database_bytes: int


def parts(services: Services, actor: Actor) -> Sequence[PartSeen]:
    """Every part as it is now. Raises Forbidden."""
    require_owner(actor)
    return services.machine.parts()


def survey(services: Services, actor: Actor) -> tuple[Survey | None, bool]:
    """The newest survey of the machine, and whether one is under way. Raises Forbidden."""
    require_owner(actor)
    found = services.machine.survey()
    return found, services.machine.is_looking


def look_again(services: Services, actor: Actor) -> None:
    """Have the machine looked at anew. Raises Forbidden."""
    require_owner(actor)
    services.machine.look_again()


def queue(services: Services, actor: Actor) -> Queue:
    """Builds, releases and add-ons that are not done yet. Raises Forbidden."""
    require_owner(actor)
    with services.database.transaction() as tx:
        found = [*_builds(tx, services.now()), *_releases(tx), *_addons(tx)]
    found.sort(key=lambda each: each.since)
    return Queue(found[:LISTED], len(found))


def totals(services: Services, actor: Actor) -> Totals:
    """How much there is of everything. Raises Forbidden."""
    require_owner(actor)
    with services.database.transaction() as tx:
        row = tx.execute(
            select(
                select(func.count()).select_from(App).scalar_subquery(),
                select(func.count())
                .select_from(Dyno)
                .where(Dyno.state.in_(SHOWN))
                .scalar_subquery(),
                select(func.count())
                .select_from(Addon)
                .where(Addon.state == State.PROVISIONED)
                .scalar_subquery(),
                func.pg_database_size(func.current_database()),
            )
        ).one()
    return Totals(*row)


def _builds(tx: Session, now: datetime) -> list[Waiting]:
    rows = tx.scalars(select(Build).options(joinedload(Build.app)).where(Build.status == "pending"))
    return [
        Waiting(
            "build",
            (row.source_version or "")[:8],
            row.app.name,
            "building" if row.lease_until and row.lease_until > now else "waiting",
            row.created_at,
            str(row.id),
        )
        for row in rows
    ]


def _releases(tx: Session) -> list[Waiting]:
    query = select(Release).options(joinedload(Release.app))
    rows = tx.scalars(query.where(Release.status == Status.PENDING))
    return [
        Waiting("release", f"v{row.version}", row.app.name, "deploying", row.created_at,
                f"v{row.version}")
        for row in rows
    ]  # fmt: skip


def _addons(tx: Session) -> list[Waiting]:
    unsettled = (State.PROVISIONING, State.DEPROVISIONING)
    query = select(Addon).options(joinedload(Addon.app))
    rows = tx.scalars(query.where(Addon.state.in_(unsettled)))
    return [
        Waiting("add-on", row.name, row.app.name if row.app else None, row.state, row.began_at,
                row.name)
        for row in rows
    ]  # fmt: skip
