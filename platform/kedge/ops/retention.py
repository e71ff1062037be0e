"""How long the past is kept: output of builds and release commands, events, sources nobody built.

A little at a time, so that nobody waits for a row; what is left over is dropped the next time.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, func, select, update

from kedge.model.build import Source
from kedge.model.event import Event
from kedge.model.output import Output, OutputChunk
from kedge.ops.services import Services
from kedge.ops.sources import never_built
from kedge.plan.retention import UNBUILT_SOURCES

log = structlog.get_logger()
OUTPUTS_AT_ONCE = 20
ROWS_AT_ONCE = 1000


def drop_past(services: Services) -> None:
    """Drop all that need not be kept any longer."""
    dropped = {
        "outputs": drop_outputs(services),
        "events": drop_events(services),
        "sources": drop_sources(services),
    }
    if any(dropped.values()):
        log.info("past.dropped", **dropped)


def drop_outputs(services: Services) -> int:
    """Empty old outputs, but each app's newest; how many. Who reads one is told so."""
    before = _days_ago(services, services.settings.output_days)
    dropped = 0
    while before and (ids := _empty_some(services, before)):
        dropped += len(ids)
    return dropped


def drop_events(services: Services) -> int:
    """Drop old events; how many."""
    before = _days_ago(services, services.settings.event_days)
    # By id, which is their order too: a look at the oldest tells whether there is anything to do.
    oldest = select(Event.id).order_by(Event.id).limit(ROWS_AT_ONCE)
    dropped = 0
    while before:
        old = delete(Event).where(Event.id.in_(oldest), Event.created_at < before)
        with services.database.transaction() as tx:
            some = len(tx.scalars(old.returning(Event.id)).all())
        dropped += some
        if some < ROWS_AT_ONCE:
            break
    return dropped


def drop_sources(services: Services) -> int:
    """Forget sources that were never built, and what was uploaded of them; how many."""
    query = never_built().where(Source.created_at < services.now() - UNBUILT_SOURCES)
    with services.database.transaction() as tx:
        some = delete(Source).where(Source.id.in_(query.limit(ROWS_AT_ONCE)))
        ids = list(tx.scalars(some.returning(Source.id)))
    for source_id in ids:
        services.sources.remove(source_id)
    return len(ids)


def _empty_some(services: Services, before: datetime) -> list[uuid.UUID]:
    newest_first = Output.created_at.desc()
    place = func.row_number().over(partition_by=Output.app_id, order_by=newest_first).label("place")
    ranked = select(Output.id, Output.created_at, Output.expired_at, place).subquery()
    old = (
        select(ranked.c.id)
        .where(ranked.c.created_at < before, ranked.c.expired_at.is_(None))
        .where(ranked.c.place > services.settings.output_newest)
        .limit(OUTPUTS_AT_ONCE)
    )
    with services.database.transaction() as tx:
        ids = list(tx.scalars(old))
        tx.execute(delete(OutputChunk).where(OutputChunk.output_id.in_(ids)))
        tx.execute(update(Output).where(Output.id.in_(ids)).values(expired_at=services.now()))
    return ids


def _days_ago(services: Services, days: int) -> datetime | None:
    """That moment; None when 0 says that everything is kept."""
    return services.now() - timedelta(days=days) if days > 0 else None
