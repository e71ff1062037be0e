"""Why an app does not answer or a release failed: gathers the case, `plan/why.py` explains it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

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
        release = releases.find(tx, app, wanted) if wanted else _newest_failed(tx, app)
        case = _case(services, tx, app, release)
        good = _good_before(tx, app, release) if release else None
    findings = explain(case)
    bad = release.version if release and good else None
    return Why(app.name, summarise(case, findings), findings, good, bad)


def _case(services: Services, tx: Session, app: App, release: Release | None) -> Case:
    types = releases.running_types(tx, app)
    failed = release if release is not None and release.status == Status.FAILED else None
    return Case(
        app=app.name,
        has_code=types is not None,
        has_web="web" in (types or {}),
        web_quantity=_web_quantity(tx, app),
        is_in_maintenance=app.maintenance,
        dynos=_seen_dynos(tx, app),
        failed_release=(failed.version, failed.failure or {}) if failed else None,
        failed_build=_failed_build(tx, app),
        router_codes=_router_codes(services, app),
    )


def _web_quantity(tx: Session, app: App) -> int:
    query = select(Formation.quantity).where(Formation.app_id == app.id, Formation.type == "web")
    return tx.scalar(query) or 0


def _seen_dynos(tx: Session, app: App) -> list[SeenDyno]:
    """The formation without those on their way out, which nobody asks about."""
    query = (
        select(Dyno.type, Dyno.ordinal, Dyno.state, Dyno.failure)
        .where(Dyno.app_id == app.id, Dyno.kind == "dyno", Dyno.state.in_(SHOWN))
        .order_by(Dyno.created_at)
    )
    rows = tx.execute(query)
    return [SeenDyno(f"{row.type}.{row.ordinal}", row.state, row.failure) for row in rows]


def _newest_failed(tx: Session, app: App) -> Release | None:
    """The newest release when it failed: an older failure is not what anybody asks about."""
    query = select(Release.id, Release.status).where(Release.app_id == app.id)
    newest = tx.execute(query.order_by(Release.version.desc()).limit(1)).one()
    return tx.get(Release, newest.id) if newest.status == Status.FAILED else None


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
    """Id and reason of the newest build when it failed."""
    query = select(Build.id, Build.status, Build.failure).where(Build.app_id == app.id)
    build = tx.execute(query.order_by(Build.created_at.desc()).limit(1)).first()
    if build is None or build.status != "failed":
        return None
    return str(build.id), build.failure or ""


def _router_codes(services: Services, app: App) -> dict[str, int]:
    since_ns = int((services.now() - LATELY).timestamp() * 10**9)
    lines = services.logs.holding(app.id, " code=H", ROUTER, since_ns)
    found = Counter(match[1] for line in lines if (match := _CODE.match(line.text)))
    return dict(found.most_common())
