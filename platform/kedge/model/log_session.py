"""A log session: the right to read an app's log for a while by a secret URL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import AppId, Changed, Id, Json, Moment, Row


class LogSession(Row):
    """What to show (`lines`, `tail`, `source`, `dyno`) and until when it may be opened."""

    __tablename__ = "log_sessions"

    id: Mapped[Id]
    app_id: Mapped[AppId]
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    filters: Mapped[Json]
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]
