"""Whose turn a build is: one of an app at a time, the oldest first, each under a lease.

A build is a row first. Nothing is lost when a worker dies: its lease runs out, the build ends as
failed in words, and the app can build again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, joinedload

from kedge.db import Transaction
from kedge.errors import QueueDown
from kedge.model.app import App
from kedge.model.build import Build
from kedge.ops import outputs
from kedge.ops.heart import LEASE
from kedge.ops.services import Services

ENQUEUE_AGAIN = timedelta(minutes=1)


def enqueue(services: Services, build_id: uuid.UUID) -> None:
    """Have a worker take a build up; without a queue it waits for `reap`."""
    try:
        services.queue.build(build_id)
    except QueueDown:  # `reap` enqueues it again once the queue is back
        with services.database.transaction() as tx:
            tx.execute(update(Build).where(Build.id == build_id).values(enqueued_at=None))


def claim(services: Services, build_id: uuid.UUID) -> Build | None:
    """Take the lease of a build: None when it ended, is taken, or another of its app runs."""
    with services.database.transaction() as tx:
        build = tx.get(Build, build_id)
        if build is None:
            return None
        tx.lock(App, build.app_id)
        tx.refresh(build)
        # A lease that ran out is `reap`'s: who held it may live on, and would build side by side.
        is_waiting = build.status == "pending" and build.lease_until is None
        if not is_waiting or _oldest(tx, build) is not build:
            return None
        if build.cancel_requested_at:
            end_failed(services, tx, build, "The build was cancelled before it began.")
            return None
        build.lease_until = services.now() + LEASE
        return build


def hand_on(services: Services, app_id: uuid.UUID) -> None:
    """Enqueue the app's next waiting build."""
    with services.database.transaction() as tx:
        waiting = tx.scalar(_waiting().where(Build.app_id == app_id).limit(1))
        if waiting:
            _enqueue_again(services, tx, waiting)


def running(services: Services) -> list[uuid.UUID]:
    """The builds that a worker holds at this moment."""
    with services.database.transaction() as tx:
        return [build.id for build in tx.scalars(_leased())]


def reap(services: Services, again_after: timedelta = ENQUEUE_AGAIN) -> None:
    """End builds whose worker died, re-enqueue those nobody took.

    A build that waits is enqueued again when that was last done `again_after` ago: what the queue
    was given may be lost, and what it still has must not be piled up.
    """
    now = services.now()
    with services.database.transaction() as tx:
        leased = tx.scalars(_leased()).all()
    dead = [build for build in leased if build.lease_until and build.lease_until < now]
    freed = {build.app_id for build in dead if _end_dead(services, build)}
    busy = {build.app_id for build in leased} - freed
    with services.database.transaction() as tx:
        for build in _first_of_each_app(tx.scalars(_waiting())):
            is_lost = build.enqueued_at is None or build.enqueued_at <= now - again_after
            if build.app_id not in busy and (is_lost or build.app_id in freed):
                _enqueue_again(services, tx, build)


def _end_dead(services: Services, seen: Build) -> bool:
    """End a build whose lease ran out, unless its heart has prolonged it meanwhile."""
    with services.database.transaction() as tx:
        if tx.get(App, seen.app_id, with_for_update={"of": App}) is None:
            return False
        query = _pending().where(Build.id == seen.id, Build.lease_until < services.now())
        build = tx.scalar(query.with_for_update(of=Build, skip_locked=True))
        if build is None:
            return False
        words = "The build's worker was stopped or died. Nothing was released; push again."
        end_failed(services, tx, build, words)
        return True


def _pending() -> Select[Build]:
    """Builds that have not ended, of all apps."""
    query = select(Build).options(joinedload(Build.app)).where(Build.status == "pending")
    return query.order_by(Build.created_at)


def _leased() -> Select[Build]:
    """Builds that a worker holds, or held when it died."""
    return _pending().where(Build.lease_until.is_not(None))


def _waiting() -> Select[Build]:
    """Builds nobody has taken, held until the transaction ends; without those others hold."""
    query = _pending().where(Build.lease_until.is_(None))
    return query.with_for_update(of=Build, skip_locked=True)


def _first_of_each_app(found: Iterable[Build]) -> list[Build]:
    first: dict[uuid.UUID, Build] = {}
    for build in found:
        first.setdefault(build.app_id, build)
    return list(first.values())


def _enqueue_again(services: Services, tx: Transaction, build: Build) -> None:
    build.enqueued_at = services.now()
    build_id = build.id
    tx.after_commit(lambda: enqueue(services, build_id))


def end_failed(
    services: Services, tx: Transaction, build: Build, reason: str, *, is_shown: bool = False
) -> None:
    """The build's end and its output's, all or nothing. `is_shown`: the reason is in the output."""
    if build.status != "pending":
        return
    build.status, build.failure, build.lease_until = "failed", reason, None
    words = b"" if is_shown else f"\n !     {reason}\n".encode()
    outputs.close_in(services, tx, build.output_id, words)
    services.say(tx, build.app_id, f"Build failed -- {reason}")


def _oldest(tx: Session, build: Build) -> Build | None:
    """The build whose turn it is: the one that runs, else the one that waits longest."""
    query = (
        select(Build)
        .where(Build.app_id == build.app_id, Build.status == "pending")
        .order_by(Build.lease_until.is_(None), Build.created_at)
        .limit(1)
    )
    return tx.scalar(query)
