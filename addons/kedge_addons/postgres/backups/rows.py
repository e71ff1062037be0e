"""Rows of transfers (backups, restores, copies) and of the schedules of backups."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, Index, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from kedge_addons.resource import Row


class Kind(StrEnum):
    """What a transfer is."""

    BACKUP = "backup"
    RESTORE = "restore"
    COPY = "copy"


class State(StrEnum):
    """How far a transfer is. Only `verified` and `succeeded` are green.

    A backup is `verified` after it was read from where it is kept, restored into a throw-away
    server, and every table had as many rows as in the snapshot it was made of.
    """

    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    DELETING = "deleting"
    DELETED = "deleted"  # what is left of it is its number, which no other one gets


GREEN = (State.VERIFIED, State.SUCCEEDED)
ENDED = (*GREEN, State.FAILED, State.CANCELED)
OPEN = (State.QUEUED, State.RUNNING, State.VERIFYING)
HIDDEN = (State.DELETING, State.DELETED)


class TransferRow(Row):
    """One transfer. `owner` is whose numbers it counts among: the app's id.

    `resource_id` is the database it is of, or goes to; `source_id` the backup that is restored, or
    the resource that is copied. `owes_alert`: it failed, and the platform was not told yet.
    `log` holds `lines`, each with `at` and `message`. `checked_at`: when it was last seen where it
    is kept.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        UniqueConstraint("owner", "num"),
        Index("ix_transfers_resource", "resource_id"),
        Index(
            "ix_transfers_open", "created_at",
            postgresql_where="state IN ('queued', 'running', 'verifying', 'deleting')",
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[uuid.UUID]
    owner: Mapped[str] = mapped_column(String(64))
    num: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=State.QUEUED)
    reason: Mapped[str | None] = mapped_column(Text)
    is_scheduled: Mapped[bool] = mapped_column(default=False)
    source_id: Mapped[uuid.UUID | None]
    from_name: Mapped[str] = mapped_column(String(80))
    to_name: Mapped[str] = mapped_column(String(80))
    store: Mapped[str | None] = mapped_column(String(10))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    processed_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    source_bytes: Mapped[int | None] = mapped_column(BigInteger)
    restored_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64))
    tables: Mapped[int | None]
    rows: Mapped[int | None] = mapped_column(BigInteger)
    dump_seconds: Mapped[float | None] = mapped_column(Float)
    restore_seconds: Mapped[float | None] = mapped_column(Float)
    attempts: Mapped[int] = mapped_column(default=0)
    wants_cancel: Mapped[bool] = mapped_column(default=False)
    owes_alert: Mapped[bool] = mapped_column(default=False)
    log: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]


class ScheduleRow(Row):
    """A backup every day at that hour of that time zone. `name`: the attachment it was named by."""

    __tablename__ = "backup_schedules"
    __table_args__ = (UniqueConstraint("resource_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[uuid.UUID]
    owner: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    hour: Mapped[int]
    timezone: Mapped[str] = mapped_column(String(60))
    next_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
