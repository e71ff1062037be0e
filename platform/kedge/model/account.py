"""A person with an account, and the tokens that stand for them."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.tables import Changed, Id, Moment, Row


def token_digest(token: str) -> str:
    """What is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Account(Row):
    """A person. The first one is the installation's owner and may do everything.

    A suspended one keeps what they made and may do nothing. `password` is an argon2 hash;
    `totp_sealed` the secret of their second factor, in force once it was confirmed;
    `totp_step` the last time step a code was taken of, so that none is taken twice.
    """

    __tablename__ = "accounts"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str | None] = mapped_column(String(200))
    is_owner: Mapped[bool] = mapped_column(default=False)
    password: Mapped[str | None] = mapped_column(String(200))
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_confirmed_at: Mapped[datetime | None]
    totp_step: Mapped[int | None]
    suspended_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]


class Authorization(Row):
    """A token of an account, as the API's OAuth authorization. Only its digest is kept.

    `scopes`: what it may be used for, by Heroku's names.
    """

    __tablename__ = "authorizations"

    id: Mapped[Id]
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    description: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[Any]] = mapped_column(default=lambda: ["global"])
    token_id: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    account: Mapped[Account] = relationship(lazy="joined")


class RecoveryCode(Row):
    """A code that stands in for the second factor, once. Only its digest is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    code_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[Moment]
