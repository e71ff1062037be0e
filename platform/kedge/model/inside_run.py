"""A command that somebody runs inside a dyno that is there already."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.dyno import Dyno
from kedge.model.tables import AppId, Id, Json, Moment, Row


class InsideRun(Row):
    """One such command. Its secret is good once. When it `ended_at` without an `exit_status`, how
    it ended is not known.
    """

    __tablename__ = "inside_runs"

    id: Mapped[Id]
    app_id: Mapped[AppId]
    dyno_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("dynos.id", ondelete="CASCADE"), index=True
    )
    command: Mapped[str] = mapped_column(Text)
    attach: Mapped[Json]
    attach_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    sealed_env: Mapped[bytes | None] = mapped_column(LargeBinary)
    exit_status: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[Moment]

    dyno: Mapped[Dyno] = relationship(lazy="joined")
