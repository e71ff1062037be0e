"""Why an app does not answer or a release failed: gathers the case, `plan/why.py` explains it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, bindparam, select, true
from sqlalchemy.orm import Session, aliased

from kedge.engine.protocols import LogFilter
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.dyno import Dyno
from kedge.model.formation import Formation
from kedge.model.release import Release, Status
from kedge.ops import releases
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.dynos import SHOWN
from kedge.ops.services import Services
from kedge.plan.why import Case, Finding, SeenDyno, explain, summarise

ROUTER = LogFilter("heroku", "router")
LATELY = timedelta(hours=1)
# A router line's beginning; what follows holds the visitor's own words.
_CODE = re.compile(r"(?:sock=\w+ )?at=(?:error|warning) code=(H\d\d) ")


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. `good` and `bad`: the releases to compare, when one failed."""

    app: str
    summary: str
    findings: list[Finding]
    good: int | None
    bad: int | None


def why(services: Services, actor: Actor, app_identity: str, wanted: str | None = None) -> Why:
    """Explain the app as it stands, or one release of it. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        state = tx.execute(_STATE, {"app_id": app.id}).one()
        release = releases.find(tx, app, wanted) if wanted else _newest_failed(tx, state)
        case = _case(services, tx, app, state, release)
        good = _good_before(tx, app, release) if release else None
    findings = explain(case)
    bad = release.version if release and good else None
    return Why(app.name, summarise(case, findings), findings, good, bad)


def _state() -> Select[*tuple[Any, ...]]:
    """One row: the types that run, the web processes wanted, the newest release and build."""
    running, newest = aliased(Release, name="running"), aliased(Release, name="newest")
    is_newest = and_(newest.app_id == App.id, newest.version == App.last_version)
    is_web = and_(Formation.app_id == App.id, Formation.type == "web")
    build = (
        select(Build.id, Build.status, Build.failure)
        .where(Build.app_id == App.id)
        .order_by(Build.created_at.desc())
        .limit(1)
        .lateral("build")
    )
    return (
        select(
            running.slug_id,
            running.process_types,
            Formation.quantity.label("web_quantity"),
            newest.id.label("release_id"),
            newest.status.label("release_status"),
            build.c.id.label("build_id"),
            build.c.status.label("build_status"),
            build.c.failure.label("build_failure"),
        )
        .select_from(App)
        .outerjoin(running, releases.is_head(running))
        .outerjoin(Formation, is_web)
        .outerjoin(newest, is_newest)
        .outerjoin(build, true())
        .where(App.id == bindparam("app_id"))
    )


_STATE = _state()


def _case(services: Services, tx: Session, app: App, state: Any, release: Release | None) -> Case:
    has_code = state.slug_id is not None
    failed = release if release is not None and release.status == Status.FAILED else None
    return Case(
        app=app.name,
        has_code=has_code,
        has_web=has_code and "web" in state.process_types,
        web_quantity=state.web_quantity or 0,
        is_in_maintenance=app.maintenance,
        dynos=_seen_dynos(tx, app),
        failed_release=(failed.version, failed.failure or {}) if failed else None,
        failed_build=_failed_build(state),
        router_codes=_router_codes(services, app),
    )


def _seen_dynos(tx: Session, app: App) -> list[SeenDyno]:
    """The formation without those on their way out, which nobody asks about."""
    query = (
        select(Dyno.type, Dyno.ordinal, Dyno.state, Dyno.failure)
        .where(Dyno.app_id == app.id, Dyno.kind == "dyno", Dyno.state.in_(SHOWN))
        .order_by(Dyno.created_at)
    )
    rows = tx.execute(query)
    return [SeenDyno(f"{row.type}.{row.ordinal}", row.state, row.failure) for row in rows]


def _newest_failed(tx: Session, state: Any) -> Release | None:
    """The newest release when it failed: an older failure is not what anybody asks about."""
    return tx.get(Release, state.release_id) if state.release_status == Status.FAILED else None


def _good_before(tx: Session, app: App, release: Release) -> int | None:
    query = (
        select(Release.version)
        .where(Release.app_id == app.id, Release.version < release.version)
        .where(Release.status == Status.SUCCEEDED)
        .order_by(Release.version.desc())
        .limit(1)
    )
    return tx.scalar(query)


def _failed_build(state: Any) -> tuple[str, str] | None:
    """Id and reason of the newest build when it failed."""
    if state.build_status != "failed":
        return None
    return str(state.build_id), state.build_failure or ""


def _router_codes(services: Services, app: App) -> dict[str, int]:
    since_ns = int((services.now() - LATELY).timestamp() * 10**9)
    lines = services.logs.holding(app.id, " code=H", ROUTER, since_ns)
    found = Counter(match[1] for line in lines if (match := _CODE.match(line.text)))
    return dict(found.most_common())
