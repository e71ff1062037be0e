"""One app with all that decides what runs: its rows, read at one moment, as the plans want them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.domain import Domain
from kedge.model.dyno import Dyno, State
from kedge.model.formation import Formation
from kedge.model.release import Release, Stage, Status
from kedge.ops import releases
from kedge.plan import rollout, routes


@dataclass(frozen=True, slots=True)
class AppRows:
    """An app's rows that matter for what runs. `dynos` are all that have not ended."""

    app: App
    head: Release | None
    pending: Sequence[Release]
    formation: Sequence[Formation]
    dynos: Sequence[Dyno]
    domains: Sequence[Domain]
    release_phases: Sequence[Dyno]
    is_building: bool = False

    def release(self, version: int) -> Release:
        """The release of that number among those that matter."""
        found = [r for r in (self.head, *self.pending) if r is not None and r.version == version]
        return found[0]

    def dyno(self, dyno_id: uuid.UUID) -> Dyno:
        """The dyno of that id."""
        return next(dyno for dyno in self.dynos if dyno.id == dyno_id)

    def of_formation(self) -> list[Dyno]:
        """Dynos of the formation (one-off ones are apart)."""
        return [dyno for dyno in self.dynos if dyno.kind == "dyno"]


def load(tx: Session, app_id: uuid.UUID) -> AppRows | None:
    """Read an app's rows; None when it is gone."""
    app = tx.get(App, app_id)
    if app is None:
        return None
    pending = (
        select(Release)
        .where(Release.app_id == app_id, Release.status == Status.PENDING)
        .order_by(Release.version)
    )
    live = select(Dyno).where(Dyno.app_id == app_id, Dyno.state != State.ENDED)
    waiting = list(tx.scalars(pending))
    in_phase = [r.id for r in waiting if r.stage == Stage.RELEASE_PHASE]
    phases = select(Dyno).where(Dyno.release_id.in_(in_phase), Dyno.kind == "release")
    return AppRows(
        app=app,
        head=releases.head(tx, app),
        pending=waiting,
        formation=list(tx.scalars(select(Formation).where(Formation.app_id == app_id))),
        dynos=list(tx.scalars(live.order_by(Dyno.created_at))),
        domains=list(tx.scalars(select(Domain).where(Domain.app_id == app_id))),
        release_phases=list(tx.scalars(phases)) if in_phase else [],
        is_building=app.deleting_at is not None and _is_building(tx, app_id),
    )


def rollout_view(rows: AppRows, now: datetime) -> rollout.View:
    """The rows as the rollout plan wants them."""
    return rollout.View(
        now=now,
        head=_target(rows, rows.head) if rows.head and rows.head.slug_id else None,
        pending=[_target(rows, release) for release in rows.pending],
        formation={
            row.type: rollout.Process(row.quantity, row.size, row.restarts)
            for row in rows.formation
        },
        dynos=[_dyno(dyno) for dyno in rows.dynos if dyno.kind == "dyno" or rows.app.deleting_at],
        is_being_deleted=rows.app.deleting_at is not None,
        is_building=rows.is_building,
    )


def frontage(rows: AppRows) -> routes.Frontage:
    """The rows as the route plan wants them."""
    running = rows.head if rows.head and rows.head.slug_id else None
    quantities = {row.type: row.quantity for row in rows.formation}
    types = running.process_types if running else {}
    return routes.Frontage(
        name=rows.app.name,
        # A deleted app answers by no name any more, whatever the router thought of its names.
        hosts=() if rows.app.deleting_at else tuple(sorted(d.hostname for d in rows.domains)),
        version=rows.app.route_version,
        has_code=running is not None,
        has_web="web" in types and quantities.get("web", 0) > 0,
        is_in_maintenance=rows.app.maintenance,
        web_dynos=[
            routes.WebDyno(
                server_name=dyno.server_name,
                state=dyno.state,
                routed=dyno.routed,
                host=dyno.host,
                port=dyno.port,
            )
            for dyno in rows.of_formation()
            if dyno.type == "web"
        ],
    )


def _is_building(tx: Session, app_id: uuid.UUID) -> bool:
    query = select(Build.id).where(Build.app_id == app_id, Build.status == "pending").limit(1)
    return tx.scalar(query) is not None


def _target(rows: AppRows, release: Release) -> rollout.Target:
    phase = None
    if release.release_command and release.status == Status.PENDING:
        phase = _phase(rows, release)
    return rollout.Target(
        version=release.version,
        process_types=release.process_types,
        stage=release.stage,
        release_phase=phase,
    )


def _phase(rows: AppRows, release: Release) -> rollout.ReleasePhase:
    found = [dyno for dyno in rows.release_phases if dyno.release_id == release.id]
    if not found:
        return rollout.ReleasePhase(has_begun=release.stage == Stage.RELEASE_PHASE)
    dyno = found[-1]
    if dyno.state != State.ENDED:
        return rollout.ReleasePhase(has_begun=True)
    failure = dyno.failure or ({} if dyno.exit_status == 0 else {"reason": "It did not end well."})
    if failure:
        failure = {**failure, "reason": f"release command failed: {failure['reason']}"}
    return rollout.ReleasePhase(dyno.exit_status, failure or None, has_begun=True)


def _dyno(row: Dyno) -> rollout.Dyno:
    return rollout.Dyno(
        id=row.id,
        type=row.type,
        ordinal=row.ordinal,
        version=row.release.version,
        size=row.size,
        state=row.state,
        restarts=row.restarts,
        routed=row.routed,
        restart_requested=row.restart_requested_at is not None,
        crash_count=row.crash_count,
        retry_at=row.retry_at,
        failure=row.failure,
    )
