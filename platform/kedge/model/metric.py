"""Metrics: what the router answered for an app, and what its dynos used, by the minute."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import Json, Row


class RequestMinute(Row):
    """The requests of an app that ended in one minute.

    `statuses` counts them by class ("2xx"), `codes` by error code ("H12"); `histogram` counts
    response times by the buckets of `plan/metrics.py`.
    """

    __tablename__ = "request_minutes"

    app_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True
    )
    minute: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    statuses: Mapped[Json]
    codes: Mapped[Json]
    histogram: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    bytes: Mapped[int]


class DynoMinute(Row):
    """What one dyno used in one minute, of so many samples.

    Sums are of all samples, so that minutes can be merged: `memory_mb_sum / samples` is the mean.
    `cpu_sum` is in processors: 0.5 is half of one. `codes` counts what went wrong ("R14", "crash").
    """

    __tablename__ = "dyno_minutes"

    app_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True
    )
    minute: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    dyno: Mapped[str] = mapped_column(String(90), primary_key=True)
    size: Mapped[str] = mapped_column(String(30))
    samples: Mapped[int]
    memory_mb_sum: Mapped[float]
    memory_mb_max: Mapped[float]
    cpu_sum: Mapped[float]
    codes: Mapped[Json]
