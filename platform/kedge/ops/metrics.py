"""Metrics of an app: written by the supervisor minute by minute, read as series over a span.

They are kept for seven days; minutes older than a day are merged to tens. What was counted since
the last write is lost with a killed supervisor: ten seconds at the most.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, lazyload

from kedge.errors import InvalidParams
from kedge.model.app import App
from kedge.model.event import Event
from kedge.model.formation import SIZES
from kedge.model.metric import DynoMinute, RequestMinute
from kedge.model.release import Release
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services
from kedge.plan import metrics as plan
from kedge.plan.metrics import Requests, Samples

CLASSES = ("2xx", "3xx", "4xx", "5xx")
PERCENTILES = (0.5, 0.95, 0.99)
MOST_POINTS = 720
MOST_MARKERS = 200
MARKED = ("formation.update", "formation.restart", "dyno.restart", "app.maintenance")

Minute = tuple[uuid.UUID, datetime]
DynoInMinute = tuple[uuid.UUID, datetime, str]
Series = list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DynoSeries:
    """What a dyno used: one value a step, None where it did not run. `cpu` is in processors."""

    memory_quota_mb: int
    memory_mb: Series
    memory_mb_max: Series
    cpu: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Something that happened at one moment: a release, a restart, a change of the formation."""

    at: datetime
    kind: str
    words: str
    who: str
    version: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The series of an app: all have one value for each of `moments`, where each step begins."""

    since: datetime
    until: datetime
    step: timedelta
    moments: list[datetime]
    requests: Mapping[str, list[int]]
    response_ms: Mapping[str, Series]
    sent_bytes: list[int]
    errors: Mapping[str, list[int]]
    dynos: Mapping[str, DynoSeries]
    markers: list[Marker] = field(default_factory=list)


def read(
    services: Services,
    actor: Actor,
    app_identity: str,
    since: datetime,
    until: datetime,
    points: int = 120,
) -> Metrics:
    """The app's metrics over a span of at most seven days, as at most so many points.

    Raises:
        InvalidParams: a span that is empty or longer than what is kept, or too many points.
    """
    if not 1 <= points <= MOST_POINTS:
        raise InvalidParams(f"points must be from 1 to {MOST_POINTS}.")
    if not timedelta() < until - since <= plan.KEPT:
        raise InvalidParams("Name a span of up to 7 days: since before until.")
    step = plan.step_of(until - since, points)
    since = _floored(since, step)
    moments = [since + step * n for n in range(-(-(until - since) // step))]
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        requests = _request_rows(tx, app, since, until, step)
        dynos = _dyno_rows(tx, app, since, until, step)
        markers = _markers(tx, app, since, until)
    return Metrics(
        since=since,
        until=until,
        step=step,
        moments=moments,
        requests={
            kind: [_count(requests, m, "statuses", kind) for m in moments] for kind in CLASSES
        },
        response_ms={
            f"p{share * 100:.0f}": _times(requests, moments, share) for share in PERCENTILES
        },
        sent_bytes=[int(requests[m]["bytes"]) if m in requests else 0 for m in moments],
        errors=_errors(moments, requests, dynos),
        dynos={name: _dyno_series(rows, moments) for name, rows in sorted(dynos.items())},
        markers=markers,
    )


def add(
    services: Services, requests: Mapping[Minute, Requests], samples: Mapping[DynoInMinute, Samples]
) -> None:
    """Add what was counted to the minutes it was counted in. Apps gone meanwhile are left out."""
    with services.database.transaction() as tx:
        app_ids = {key[0] for key in requests} | {key[0] for key in samples}
        alive = set(tx.scalars(select(App.id).where(App.id.in_(app_ids))))
        _upsert(tx, RequestMinute.__table__, [  # type: ignore[arg-type]  # a Table it is
            {"app_id": app_id, "minute": minute, "statuses": dict(each.statuses),
             "codes": dict(each.codes), "histogram": each.histogram, "bytes": each.bytes}
            for (app_id, minute), each in sorted(requests.items(), key=str) if app_id in alive
        ])  # fmt: skip
        _upsert(tx, DynoMinute.__table__, [  # type: ignore[arg-type]  # likewise
            {"app_id": app_id, "minute": minute, "dyno": dyno, "size": each.size,
             "samples": each.samples, "memory_mb_sum": each.memory_mb_sum,
             "memory_mb_max": each.memory_mb_max, "cpu_sum": each.cpu_sum,
             "codes": dict(each.codes)}
            for (app_id, minute, dyno), each in sorted(samples.items(), key=str) if app_id in alive
        ])  # fmt: skip


def trim(services: Services) -> None:
    """Drop what is older than is kept, and merge what is older than a day to ten minutes."""
    now = services.now()
    fine = _floored(now - plan.FINE, plan.COARSE)
    for table in (RequestMinute.__table__, DynoMinute.__table__):
        with services.database.transaction() as tx:
            assert isinstance(table, Table)  # noqa: S101 - SQLAlchemy's type is wider than it is
            tx.execute(delete(table).where(table.c.minute < now - plan.KEPT))
            _merge(tx, table, fine)


# --- writing ----------------------------------------------------------------------------------


def _sum_of(column: Column[Any], left: Any, right: Any) -> Any:
    """How two minutes' values of a column become one."""
    match column.name:
        case "statuses" | "codes":
            return func.sum_counts(left, right)
        case "histogram":
            return func.sum_elements(left, right)
        case "memory_mb_max":
            return func.greatest(left, right)
        case "size":
            return right
    return left + right


def _upsert(tx: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    added = insert(table).values(rows)
    values = [column for column in table.c if not column.primary_key]
    sums = {c.name: _sum_of(c, c, added.excluded[c.name]) for c in values}
    tx.execute(added.on_conflict_do_update(index_elements=list(table.primary_key), set_=sums))


_AGGREGATES = {
    "statuses": "sum_counts(statuses)",
    "codes": "sum_counts(codes)",
    "histogram": "sum_elements(histogram)",
    "memory_mb_max": "max(memory_mb_max)",
    "size": "max(size)",
}


def _merge(tx: Session, table: Table, before: datetime) -> None:
    """Merge the minutes before a moment to tens. Those merged already are left as they are."""
    keys = [c.name for c in table.primary_key if c.name != "minute"]
    values = [c.name for c in table.c if not c.primary_key]
    sums = ", ".join(_AGGREGATES.get(name, f"sum({name})") for name in values)
    tx.execute(
        # The names are our own tables' and columns'.
        text(f"""
            WITH gone AS (
                DELETE FROM {table.name} WHERE minute < :before
                AND date_bin(:step, minute, 'epoch') IN (
                    SELECT date_bin(:step, minute, 'epoch') FROM {table.name}
                    WHERE minute < :before AND minute <> date_bin(:step, minute, 'epoch')
                ) RETURNING *
            )
            INSERT INTO {table.name} ({", ".join(keys)}, minute, {", ".join(values)})
            SELECT {", ".join(keys)}, date_bin(:step, minute, 'epoch') AS ten, {sums}
            FROM gone GROUP BY {", ".join(keys)}, ten
        """),  # noqa: S608
        {"before": before, "step": plan.COARSE},
    )


# --- reading ----------------------------------------------------------------------------------


def _request_rows(
    tx: Session, app: App, since: datetime, until: datetime, step: timedelta
) -> dict[datetime, dict[str, Any]]:
    """Sums by the moment their step begins at."""
    at = func.date_bin(step, RequestMinute.minute, since).label("at")
    query = (
        select(
            at,
            func.sum_counts(RequestMinute.statuses).label("statuses"),
            func.sum_counts(RequestMinute.codes).label("codes"),
            func.sum_elements(RequestMinute.histogram).label("histogram"),
            func.sum(RequestMinute.bytes).label("bytes"),
        )
        .where(RequestMinute.app_id == app.id)
        .where(RequestMinute.minute >= since, RequestMinute.minute < until)
        .group_by(at)
    )
    return {row["at"]: dict(row) for row in tx.execute(query).mappings()}


def _dyno_rows(
    tx: Session, app: App, since: datetime, until: datetime, step: timedelta
) -> dict[str, dict[datetime, dict[str, Any]]]:
    """The same for each dyno by name."""
    at = func.date_bin(step, DynoMinute.minute, since).label("at")
    query = (
        select(
            DynoMinute.dyno,
            at,
            func.max(DynoMinute.size).label("size"),
            func.sum(DynoMinute.samples).label("samples"),
            func.sum(DynoMinute.memory_mb_sum).label("memory_mb_sum"),
            func.max(DynoMinute.memory_mb_max).label("memory_mb_max"),
            func.sum(DynoMinute.cpu_sum).label("cpu_sum"),
            func.sum_counts(DynoMinute.codes).label("codes"),
        )
        .where(DynoMinute.app_id == app.id)
        .where(DynoMinute.minute >= since, DynoMinute.minute < until)
        .group_by(DynoMinute.dyno, at)
    )
    found: dict[str, dict[datetime, dict[str, Any]]] = {}
    for row in tx.execute(query).mappings():
        found.setdefault(row["dyno"], {})[row["at"]] = dict(row)
    return found


def _markers(tx: Session, app: App, since: datetime, until: datetime) -> list[Marker]:
    """Releases and changes of what runs in the span, oldest first."""
    released = (
        select(Release)
        .where(Release.app_id == app.id, Release.created_at >= since, Release.created_at < until)
        .options(lazyload(Release.config), lazyload(Release.slug), lazyload(Release.app))
        .order_by(Release.version.desc())
        .limit(MOST_MARKERS)
    )
    changed = (
        select(Event)
        .where(Event.app_id == app.id, Event.action.in_(MARKED))
        .where(Event.created_at >= since, Event.created_at < until)
        .order_by(Event.id.desc())
        .limit(MOST_MARKERS)
    )
    found = [
        Marker(
            at=each.created_at,
            kind="release",
            words=f"v{each.version} {each.description}",
            who=each.user.email,
            version=each.version,
            status=each.status,
        )
        for each in tx.scalars(released)
    ]
    found += [
        Marker(at=each.created_at, kind=each.action, words=_words(each), who=each.actor)
        for each in tx.scalars(changed)
    ]
    return sorted(found, key=lambda marker: marker.at)


def _words(event: Event) -> str:
    details = event.details
    match event.action:
        case "formation.update":
            return f"Scaled to {details.get('formation')}"
        case "app.maintenance":
            return f"Maintenance mode {'on' if details.get('on') else 'off'}"
    return f"Restarted {details.get('dyno') or details.get('type') or 'all dynos'}"


def _errors(
    moments: list[datetime],
    requests: Mapping[datetime, Mapping[str, Any]],
    dynos: Mapping[str, Mapping[datetime, Mapping[str, Any]]],
) -> dict[str, list[int]]:
    """How often each error code came up in each step."""
    sources = [requests, *dynos.values()]
    codes = sorted({code for rows in sources for row in rows.values() for code in row["codes"]})
    return {code: [sum(_count(rows, m, "codes", code) for rows in sources) for m in moments]
            for code in codes}  # fmt: skip


def _count(
    rows: Mapping[datetime, Mapping[str, Any]], moment: datetime, column: str, name: str
) -> int:
    return int(rows[moment][column].get(name, 0)) if moment in rows else 0


def _times(
    rows: Mapping[datetime, Mapping[str, Any]], moments: list[datetime], share: float
) -> Series:
    return [plan.percentile(rows[m]["histogram"], share) if m in rows else None for m in moments]


def _dyno_series(rows: Mapping[datetime, Mapping[str, Any]], moments: list[datetime]) -> DynoSeries:
    sampled = {m: row for m, row in rows.items() if row["samples"]}
    size = rows[max(rows)]["size"]
    return DynoSeries(
        memory_quota_mb=SIZES[size].memory_mb,
        memory_mb=[_mean(sampled.get(m), "memory_mb_sum") for m in moments],
        memory_mb_max=[sampled[m]["memory_mb_max"] if m in sampled else None for m in moments],
        cpu=[_mean(sampled.get(m), "cpu_sum") for m in moments],
    )


def _mean(row: Mapping[str, Any] | None, column: str) -> float | None:
    return row[column] / int(row["samples"]) if row else None


def _floored(moment: datetime, step: timedelta) -> datetime:
    """The start of the step a moment lies in, counted from the epoch."""
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, moment.tzinfo)
