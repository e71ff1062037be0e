"""The kept output of a build or a release phase, readable while it grows.

Chunks are numbered from 0; a stream that ended has a chunk with no payload as its last.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import AppId, Moment, Row

OUTPUT_LIMIT_BYTES = 8 * 1024 * 1024


class Output(Row):
    """A stream of output.

    `kept_bytes` counts what was kept, `dropped_bytes` what went over the limit. Since `expired_at`
    it is too old to be kept, and has no chunks any more.
    """

    __tablename__ = "outputs"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    app_id: Mapped[AppId]
    kept_bytes: Mapped[int] = mapped_column(default=0)
    dropped_bytes: Mapped[int] = mapped_column(default=0)
    next_chunk: Mapped[int] = mapped_column(default=0)
    is_complete: Mapped[bool] = mapped_column(default=False)
    expired_at: Mapped[datetime | None]
    created_at: Mapped[Moment]


class OutputChunk(Row):
    """A piece of an output."""

    __tablename__ = "output_chunks"

    output_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[AppId]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
