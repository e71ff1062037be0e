"""A key of the platform itself, kept encrypted with the master key."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kedge.model.tables import Moment, Row


class PlatformKey(Row):
    """A named secret of the installation, such as the one config digests are keyed with."""

    __tablename__ = "platform_keys"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
