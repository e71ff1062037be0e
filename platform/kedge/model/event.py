"""An event: who changed what, when. Written in the transaction of the change, never altered."""

from __future__ import annotations

import uuid

from sqlalchemy import Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import Json, Moment, Row


class Event(Row):
    """One change, for the audit log and for whoever is told of changes. Holds no secret values."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_app_id_id", "app_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(60))
    details: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[Moment]
