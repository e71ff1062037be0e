"""Why an app does not answer or a release failed: gathers the case, `plan/why.py` explains it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.engine.protocols import LogFilter
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.release import Release, Status
from kedge.ops import releases, view
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.dynos import SHOWN
from kedge.ops.services import Services
from kedge.plan.why import Case, Finding, SeenDyno, explain, summarise

RECENT_LINES = 300
_CODE = re.compile(r"\bcode=(H\d\d)\b")


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
        release = releases.find(tx, app, wanted) if wanted else _newest_failed(tx, app)
        case = _case(services, tx, app, release)
        good = _good_before(tx, app, release) if release else None
    findings = explain(case)
    bad = release.version if release and good else None
    return Why(app.name, summarise(case, findings), findings, good, bad)


def _case(services: Services, tx: Session, app: App, release: Release | None) -> Case:
    rows = view.load(tx, app.id)
    front = view.frontage(rows) if rows else None
    quantities = {row.type: row.quantity for row in rows.formation} if rows else {}
    failed = release if release is not None and release.status == Status.FAILED else None
    return Case(
        app=app.name,
        has_code=bool(front and front.has_code),
        has_web=bool(rows and rows.head and "web" in rows.head.process_types),
        web_quantity=quantities.get("web", 0),
        is_in_maintenance=app.maintenance,
        dynos=_seen_dynos(rows),
        failed_release=(failed.version, failed.failure or {}) if failed else None,
        failed_build=_failed_build(tx, app),
        router_codes=_router_codes(services, app),
    )


def _seen_dynos(rows: view.AppRows | None) -> list[SeenDyno]:
    """The formation without those on their way out, which nobody asks about."""
    found = rows.of_formation() if rows else []
    return [SeenDyno(d.name, d.state, d.failure) for d in found if d.state in SHOWN]


def _newest_failed(tx: Session, app: App) -> Release | None:
    """The newest release when it failed: an older failure is not what anybody asks about."""
    newest = releases.newest(tx, app)
    return newest if newest.status == Status.FAILED else None


def _good_before(tx: Session, app: App, release: Release) -> int | None:
    query = (
        select(Release.version)
        .where(Release.app_id == app.id, Release.version < release.version)
        .where(Release.status == Status.SUCCEEDED)
        .order_by(Release.version.desc())
        .limit(1)
    )
    return tx.scalar(query)


def _failed_build(tx: Session, app: App) -> tuple[str, str] | None:
    query = select(Build).where(Build.app_id == app.id).order_by(Build.created_at.desc()).limit(1)
    build = tx.scalar(query)
    if build is None or build.status != "failed":
        return None
    return str(build.id), build.failure or ""


def _router_codes(services: Services, app: App) -> dict[str, int]:
    lines, _ = services.logs.tail(app.id, RECENT_LINES, LogFilter("heroku", "router"))
    found = Counter(match[1] for line in lines if (match := _CODE.search(line.text)))
    return dict(found.most_common())
