"""Jobs as people keep them: added, changed, removed, run now, listed with their history."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

from kedge_addons.database import Database
from kedge_addons.errors import Busy, Refused, Unknown
from kedge_addons.offer import Plan
from kedge_addons.resource import Resource
from kedge_addons.scheduler.job import JobRow, RunRow
from kedge_addons.scheduler.progress import BAD, GOING, State
from kedge_addons.scheduler.schedule import Schedule, parse

COMMAND_LIMIT = 4000
# https://devcenter.heroku.com/articles/dyno-types
SIZES = (
    "Eco", "Basic", "Standard-1X", "Standard-2X", "Performance-M", "Performance-L",
    "Performance-L-RAM", "Performance-XL", "Performance-2XL",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job as somebody wants it, checked."""

    command: str
    size: str
    schedule: Schedule


def checked(command: str, size: str, schedule: str, plan: Plan) -> Wanted:
    """A job that may be. Raises Refused, saying what may not."""
    command = command.strip()
    if not command:
        raise Refused("A job needs a command, such as `rake cleanup`.")
    if len(command) > COMMAND_LIMIT or any(ord(each) < 32 or ord(each) == 127 for each in command):
        raise Refused(f"A command is one line of up to {COMMAND_LIMIT} characters.")
    named = {each.lower(): each for each in SIZES}.get(size.strip().lower())
    if named is None:
        raise Refused(f"There is no such dyno size. There are: {', '.join(SIZES)}.")
    wanted = Wanted(command, named, parse(schedule))
    _check_often(wanted.schedule, plan)
    return wanted


def check_plan(jobs: list[JobRow], plan: Plan) -> None:
    """Raises Refused when these jobs do not fit a plan."""
    if len(jobs) > plan.limits["jobs"]:
        raise Refused(
            f"{plan.human_name} has {plan.limits['jobs']} jobs and there are {len(jobs)}. "
            "Remove some first."
        )
    for job in jobs:
        _check_often(job.schedule, plan)


class Jobs:
    """The jobs of all resources."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_(self, resource: Resource) -> list[JobRow]:
        """The jobs of a resource, the oldest first."""
        query = select(JobRow).where(JobRow.resource_id == resource.id)
        with self._database.transaction() as tx:
            return list(tx.scalars(query.order_by(JobRow.created_at, JobRow.id)))

    def find(self, resource: Resource, job_id: uuid.UUID) -> JobRow:
        """A job of a resource. Raises Unknown."""
        with self._database.transaction() as tx:
            return _find(tx, resource, job_id)

    def add(self, resource: Resource, plan: Plan, wanted: Wanted, job_id: uuid.UUID) -> JobRow:
        """A new job; with the id of one that is there (a form sent twice), that one.

        Raises:
            Refused: the plan has no more jobs.
        """
        with self._database.transaction() as tx:
            _lock(tx, resource)
            if (found := tx.get(JobRow, job_id)) and found.resource_id == resource.id:
                return found
            query = select(func.count()).where(JobRow.resource_id == resource.id)
            if (tx.scalar(query) or 0) >= plan.limits["jobs"]:
                raise Refused(
                    f"{plan.human_name} has {plan.limits['jobs']} jobs. Remove one, or move to "
                    "another plan."
                )
            now = datetime.now(UTC)
            made = JobRow(
                id=uuid.uuid4() if found else job_id, resource_id=resource.id,
                command=wanted.command, size=wanted.size, expression=wanted.schedule.expression,
                considered_until=now, created_at=now, updated_at=now,
            )  # fmt: skip
            tx.add(made)
            return made

    def change(self, resource: Resource, job_id: uuid.UUID, wanted: Wanted, seen_at: str) -> JobRow:
        """Change a job. `seen_at`: its `updated_at` (ISO 8601) in the form somebody filled in.

        Raises:
            Busy: somebody else changed it since.
            Unknown: it is gone.
        """
        with self._database.transaction() as tx:
            job = _find(tx, resource, job_id, lock=True)
            if job.updated_at.isoformat() != seen_at:
                raise Busy("Somebody else has changed this job meanwhile. Look at it again.")
            now = datetime.now(UTC)
            if job.expression != wanted.schedule.expression:
                job.considered_until = now  # the new schedule begins now
            job.command, job.size = wanted.command, wanted.size
            job.expression, job.updated_at = wanted.schedule.expression, now
            return job

    def remove(self, resource: Resource, job_id: uuid.UUID) -> None:
        """Remove a job with its history; a dyno of it that runs goes on. Nothing when gone."""
        with self._database.transaction() as tx:
            job = tx.get(JobRow, job_id)
            if job is not None and job.resource_id == resource.id:
                tx.delete(job)

    def remove_all(self, resource: Resource) -> None:
        """Remove all jobs of a resource."""
        for job in self.list_(resource):
            self.remove(resource, job.id)

    def run_now(self, resource: Resource, job_id: uuid.UUID, run_id: uuid.UUID) -> None:
        """Have a job run once, now. The same `run_id` again (a double click) changes nothing.

        Raises:
            Busy: a run of it goes already.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as tx:
            job = _find(tx, resource, job_id, lock=True)
            if tx.get(RunRow, run_id) is not None:
                return
            if is_busy(tx, job):
                raise Busy("A run of this job goes already.")
            tx.add(run_of(job, now, run_id))

    def skip_to_now(self, resource: Resource) -> None:
        """Leave out what was due until now: it was not wanted then."""
        with self._database.transaction() as tx:
            chosen = update(JobRow).where(JobRow.resource_id == resource.id)
            tx.execute(chosen.values(considered_until=datetime.now(UTC)))

    def history(self, job: JobRow, at_most: int = 100) -> list[RunRow]:
        """The runs of a job, the newest first."""
        query = select(RunRow).where(RunRow.job_id == job.id).order_by(RunRow.slot.desc())
        with self._database.transaction() as tx:
            return list(tx.scalars(query.limit(at_most)))

    def newest_runs(self, resource: Resource) -> Mapping[uuid.UUID, RunRow]:
        """The newest run of each job of a resource, by the job's id."""
        newest = (
            select(RunRow.job_id, func.max(RunRow.slot))
            .where(RunRow.resource_id == resource.id)
            .group_by(RunRow.job_id)
        )
        query = select(RunRow).where(tuple_(RunRow.job_id, RunRow.slot).in_(newest))
        with self._database.transaction() as tx:
            return {run.job_id: run for run in tx.scalars(query)}

    def count_bad_since(self, resource: Resource, since: datetime) -> dict[str, int]:
        """How many runs since then did not go well, by how; missed ones each count."""
        query = (
            select(RunRow.state, func.sum(RunRow.count))
            .where(RunRow.resource_id == resource.id, RunRow.until > since)
            .where(RunRow.state.in_(BAD)).group_by(RunRow.state)
        )  # fmt: skip
        with self._database.transaction() as tx:
            return {state: int(count) for state, count in tx.execute(query)}


def is_busy(tx: Session, job: JobRow) -> bool:
    """Whether a run of the job goes."""
    query = select(RunRow.id).where(RunRow.job_id == job.id, RunRow.state.in_(GOING)).limit(1)
    return tx.scalar(query) is not None


def run_of(job: JobRow, slot: datetime, run_id: uuid.UUID) -> RunRow:
    """A run of a job that is to start."""
    return RunRow(
        id=run_id, job_id=job.id, resource_id=job.resource_id, slot=slot, until=slot, count=1,
        command=job.command, size=job.size, state=State.STARTING,
    )  # fmt: skip


def _find(tx: Session, resource: Resource, job_id: uuid.UUID, *, lock: bool = False) -> JobRow:
    job = tx.get(JobRow, job_id, with_for_update=lock or None)
    if job is None or job.resource_id != resource.id:
        raise Unknown("There is no such job. Somebody may have removed it.")
    return job


def _lock(tx: Session, resource: Resource) -> None:
    """Let one at a time count the jobs of a resource."""
    key = int.from_bytes(resource.id.bytes[:8], "big", signed=True)
    tx.execute(select(func.pg_advisory_xact_lock(key)))


def _check_often(schedule: Schedule, plan: Plan) -> None:
    finest, allowed = schedule.finest_minutes(datetime.now(UTC)), plan.limits["minutes"]
    if finest is not None and finest < allowed:
        raise Refused(
            f"{schedule.words} is more often than every {allowed} minutes, which is what "
            f"{plan.human_name} has."
        )
