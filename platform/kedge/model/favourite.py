"""A favourite: an app somebody wants to find first."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import Moment, Row


class Favourite(Row):
    """An app among one person's favourites."""

    __tablename__ = "favourites"
    __table_args__ = (Index("ix_favourites_app_id", "app_id"),)

    account_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    app_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[Moment]
