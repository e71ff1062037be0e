"""Runs as they go: decided by the clock, started at the platform, followed to their end.

Whoever does this holds the claim on the resource. Should two do it all the same, the database
takes one run for each moment, and the platform one dyno for each run.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kedge_addons.database import Database
from kedge_addons.errors import Away, Refused
from kedge_addons.resource import Resource
from kedge_addons.scheduler import progress
from kedge_addons.scheduler.due import Decision, Verdict, decide
from kedge_addons.scheduler.job import JobRow, RunRow
from kedge_addons.scheduler.jobs import is_busy
from kedge_addons.scheduler.progress import GOING, State, Step

log = logging.getLogger(__name__)
DAY_SECONDS = 24 * 3600
AGAIN = timedelta(seconds=5)
_STATES = {
    Verdict.RUN: State.STARTING, Verdict.MISSED: State.MISSED, Verdict.SKIPPED: State.SKIPPED,
}  # fmt: skip
_REASONS = {
    Verdict.RUN: None,
    Verdict.MISSED: "The scheduler was not there at that time.",
    Verdict.SKIPPED: "The run before it still went.",
}


class Dynos(Protocol):
    """The platform, as far as runs need it."""

    def find(self, resource: Resource, run_id: uuid.UUID) -> Mapping[str, Any] | None:
        """The dyno of a run, None where there is none. Raises Away."""

    def start(self, resource: Resource, run: RunRow, seconds: int) -> Mapping[str, Any]:
        """Start the dyno of a run, or find it started. Raises Refused, Away."""


class Runs:
    """The runs of all resources."""

    def __init__(self, database: Database, dynos: Dynos) -> None:
        self._database, self._dynos = database, dynos

    def go_on(self, resource: Resource, now: datetime) -> None:
        """Do what is due. How earlier runs ended comes first: nobody may have looked for long."""
        self.follow(resource, now)
        self.consider(resource, now)
        self.follow(resource, now)

    def consider(self, resource: Resource, now: datetime) -> None:
        """Write down the verdict on every moment that has come."""
        query = select(JobRow).where(JobRow.resource_id == resource.id).with_for_update()
        with self._database.transaction() as tx:
            for job in tx.scalars(query.order_by(JobRow.id)):
                decisions = decide(
                    job.schedule, job.considered_until, now, is_busy=is_busy(tx, job)
                )
                for decision in decisions:
                    _write(tx, job, decision)
                job.considered_until = max(job.considered_until, now)

    def follow(self, resource: Resource, now: datetime) -> list[RunRow]:
        """Take every run that goes a step further; those that ended badly with it."""
        query = select(RunRow).where(RunRow.resource_id == resource.id, RunRow.state.in_(GOING))
        with self._database.transaction() as tx:
            going = list(tx.scalars(query.order_by(RunRow.slot)))
        changed = [self._taken(run, self._step(resource, run, now)) for run in going]
        return [run for run in changed if run.state in progress.BAD]

    def next_at(self, resource: Resource, now: datetime) -> datetime | None:
        """When there is something to do again; None when there are no jobs."""
        jobs = select(JobRow).where(JobRow.resource_id == resource.id)
        runs = select(RunRow).where(RunRow.resource_id == resource.id, RunRow.state.in_(GOING))
        with self._database.transaction() as tx:
            due = [job.schedule.next_after(now) for job in tx.scalars(jobs)]
            looks = [_look_at(run, now) for run in tx.scalars(runs)]
        return min((each for each in (*due, *looks) if each is not None), default=None)

    def forget_old(self, resource: Resource, keep: int) -> None:
        """Remove the history of each job beyond the newest `keep` runs."""
        with self._database.transaction() as tx:
            for job_id in tx.scalars(select(JobRow.id).where(JobRow.resource_id == resource.id)):
                of_job = (RunRow.job_id == job_id) & RunRow.state.not_in(GOING)
                kept = select(RunRow.slot).where(of_job).order_by(RunRow.slot.desc())
                oldest = tx.scalar(kept.offset(keep).limit(1))
                if oldest is not None:
                    tx.execute(delete(RunRow).where(of_job, RunRow.slot <= oldest))

    def _step(self, resource: Resource, run: RunRow, now: datetime) -> Step:
        try:
            found = self._dynos.find(resource, run.id)
            if found is not None:
                return progress.seen(found, now)
            ended = progress.absent(State(run.state), run.slot, now, run.reason)
            if ended is not None:
                return ended
            return progress.seen(self._dynos.start(resource, run, DAY_SECONDS), now)
        except Refused as refused:
            return Step(State.REFUSED, refused.message, ended_at=now)
        except Away as away:
            log.warning("%s: %s", resource.name, away.message)
            if run.state == State.STARTING and progress.is_too_late(run.slot, now):
                return progress.absent(State.STARTING, run.slot, now, away.message) or _same(run)
            return Step(State(run.state), away.message, run.dyno, started_at=run.started_at)

    def _taken(self, run: RunRow, step: Step) -> RunRow:
        """Write down where a run stands, unless it has ended meanwhile."""
        with self._database.transaction() as tx:
            found = tx.get(RunRow, run.id, with_for_update=True)
            if found is None or not found.is_going:
                return run
            found.state, found.reason = step.state, step.reason
            found.dyno = step.dyno or found.dyno
            found.exit_status = step.exit_status
            found.started_at = step.started_at or found.started_at
            found.ended_at = step.ended_at
            return found


def _write(tx: Session, job: JobRow, decision: Decision) -> None:
    tx.execute(
        insert(RunRow)
        .values(
            id=uuid.uuid4(), job_id=job.id, resource_id=job.resource_id, slot=decision.slot,
            until=decision.until, count=decision.count, command=job.command, size=job.size,
            state=_STATES[decision.verdict], reason=_REASONS[decision.verdict],
        )
        .on_conflict_do_nothing(index_elements=["job_id", "slot"])
    )  # fmt: skip


def _look_at(run: RunRow, now: datetime) -> datetime:
    if run.state == State.STARTING or run.started_at is None:
        return now + AGAIN
    return now + progress.pause(run.started_at, now)


def _same(run: RunRow) -> Step:
    return Step(State(run.state), run.reason, run.dyno, started_at=run.started_at)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
