"""A dyno: one container's life, from its start to its end.

A row is one incarnation: the web.1 of release 6 and the web.1 of release 7 are two rows, as are
the web.1 before and after a crash.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.app import App
from kedge.model.release import Release
from kedge.model.tables import AppId, Changed, Id, Json, Moment, Row


class State(StrEnum):
    """Where a dyno stands. The API shows draining and stopping as `down`, ended ones not at all."""

    STARTING = "starting"
    UP = "up"
    DRAINING = "draining"
    STOPPING = "stopping"
    CRASHED = "crashed"
    ENDED = "ended"


LIVE = (State.STARTING, State.UP, State.DRAINING, State.STOPPING, State.CRASHED)


class Dyno(Row):
    """One incarnation of a dyno."""

    __tablename__ = "dynos"
    __table_args__ = (
        Index("ix_dynos_live", "app_id", postgresql_where="state <> 'ended'"),
        Index("ix_dynos_ended_at", "ended_at"),
    )

    id: Mapped[Id]
    app_id: Mapped[AppId]
    release_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("releases.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(10))
    type: Mapped[str] = mapped_column(String(64))
    ordinal: Mapped[int]
    size: Mapped[str] = mapped_column(String(30))
    command: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=State.STARTING)
    restarts: Mapped[int] = mapped_column(default=0)
    restart_requested_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]
    runtime_id: Mapped[str | None] = mapped_column(String(64))
    routed: Mapped[bool] = mapped_column(default=False)
    host: Mapped[str | None] = mapped_column(String(64))
    port: Mapped[int | None]
    crash_count: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    exit_status: Mapped[int | None]
    failure: Mapped[Json | None]
    attach: Mapped[Json | None]
    attach_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    sealed_env: Mapped[bytes | None] = mapped_column(LargeBinary)
    time_to_live: Mapped[int | None]
    started_at: Mapped[datetime | None]
    up_at: Mapped[datetime | None]
    draining_at: Mapped[datetime | None]
    stopping_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="immediate")
    release: Mapped[Release] = relationship(lazy="immediate")

    @property
    def name(self) -> str:
        """`web.1`, `run.4821`, `release.7`."""
        return f"{self.type}.{self.ordinal}"

    @property
    def server_name(self) -> str:
        """What the router calls it: unique for each incarnation."""
        return f"{self.name}-{self.id.hex[:8]}"
