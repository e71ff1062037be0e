"""A collaborator: somebody who works on another's app, with some of Heroku's four permissions."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.tables import AppId, Changed, Id, Moment, Row


class Collaborator(Row):
    """One person's permissions on one app; being one at all lets them see it."""

    __tablename__ = "collaborators"
    __table_args__ = (UniqueConstraint("app_id", "account_id"),)

    id: Mapped[Id]
    app_id: Mapped[AppId]
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    permissions: Mapped[list[Any]]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    account: Mapped[Account] = relationship(lazy="joined")
    app: Mapped[App] = relationship(lazy="immediate")


class Transfer(Row):
    """An app offered to another owner. `state`: pending, accepted or declined."""

    __tablename__ = "app_transfers"

    id: Mapped[Id]
    app_id: Mapped[AppId]
    owner_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    recipient_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(10), default="pending")
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="joined")
    owner: Mapped[Account] = relationship(lazy="joined", foreign_keys=[owner_id])
    recipient: Mapped[Account] = relationship(lazy="joined", foreign_keys=[recipient_id])
