"""A session of the dashboard, and what leads to one: attempts, one-time links, invitations.

Tokens are 256 random bits; only their digests are kept.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.account import Account
from kedge.model.tables import Changed, Id, Moment, Row


class Session(Row):
    """One sign-in in one browser. `confirmed_until`: how long they need not prove themselves."""

    __tablename__ = "sessions"

    id: Mapped[Id]
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_key: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(500))
    seen_at: Mapped[datetime]
    confirmed_until: Mapped[datetime | None]
    created_at: Mapped[Moment]

    account: Mapped[Account] = relationship(lazy="joined")


class SignInAttempt(Row):
    """A failed sign-in, counted by account and by address. `name` is `account:…` or `address:…`."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_name_created_at", "name", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]


class SignInLink(Row):
    """A link that signs its account in, once."""

    __tablename__ = "sign_in_links"

    id: Mapped[Id]
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]

    account: Mapped[Account] = relationship(lazy="joined")


class Invitation(Row):
    """Somebody who may become a user of this installation, by a link."""

    __tablename__ = "invitations"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    is_owner: Mapped[bool] = mapped_column(default=False)
    invited_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    invited_by: Mapped[Account] = relationship(lazy="joined")
