"""Rows of jobs and of their runs."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from kedge_addons.resource import SCHEMA, Row
from kedge_addons.scheduler.progress import GOING, State
from kedge_addons.scheduler.schedule import Schedule


class JobRow(Row):
    """One job. All moments until `considered_until` have their verdict."""

    __tablename__ = "scheduler_jobs"
    __table_args__ = (Index("ix_scheduler_jobs_resource_id", "resource_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[uuid.UUID]
    command: Mapped[str] = mapped_column(Text)
    size: Mapped[str] = mapped_column(String(30))
    expression: Mapped[str] = mapped_column(String(100))
    considered_until: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def schedule(self) -> Schedule:
        """When it runs."""
        return Schedule(self.expression)


class RunRow(Row):
    """One run, or several that were missed in a row. Its id is that of its dyno.

    A moment of a job has one run at most, in whatever process it is decided.
    """

    __tablename__ = "scheduler_runs"
    __table_args__ = (
        UniqueConstraint("job_id", "slot"),
        Index("ix_scheduler_runs_going", "resource_id",
              postgresql_where="state IN ('starting', 'running')"),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.scheduler_jobs.id", ondelete="CASCADE")
    )
    resource_id: Mapped[uuid.UUID]
    slot: Mapped[datetime]
    until: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    command: Mapped[str] = mapped_column(Text)
    size: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(12), default=State.STARTING)
    reason: Mapped[str | None] = mapped_column(Text)
    dyno: Mapped[str | None] = mapped_column(String(80))
    exit_status: Mapped[int | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_going(self) -> bool:
        """Whether its end is still to come."""
        return self.state in GOING

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None when it did not, or goes."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(timedelta(0), self.ended_at - self.started_at)
