"""A resource: what a provider made for one add-on. Its id is the add-on's uuid."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Index, LargeBinary, MetaData, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "kedge_addons"


class State(StrEnum):
    """How far a resource is. What has a name in -ing is on its way, and the worker's business."""

    MAKING = "making"
    READY = "ready"
    LEAVING = "leaving"  # destroyed: it stops
    RESTING = "resting"  # it stopped; what was in it is kept until `rests_until`
    RESTORING = "restoring"
    REMOVED = "removed"
    FAILED = "failed"


class Row(DeclarativeBase):
    """A row of any table of the providers'; they are all in one schema of their own."""

    metadata = MetaData(schema=SCHEMA)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name
        dict[str, Any]: JSONB,
        datetime: DateTime(timezone=True),
    }


class ResourceRow(Row):
    """`try_at`: when the worker is to look at it, None when nothing is to be done.

    `owes`: what the platform was not told yet (`config`, `provision`, `deprovision`). `sealed`
    holds secrets of the service, `grant` those for speaking to the platform.
    """

    __tablename__ = "resources"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(80))
    plan: Mapped[str] = mapped_column(String(60))
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default=State.MAKING)
    message: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    grant: Mapped[bytes | None] = mapped_column(LargeBinary)
    callback_url: Mapped[str] = mapped_column(Text, default="")
    owes: Mapped[str | None] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (
        Index("ix_resources_due", "try_at", postgresql_where=text("try_at IS NOT NULL")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as a service sees it. `facts` are kept in the open, `secrets` sealed."""

    id: uuid.UUID
    service: str
    name: str
    plan: str
    state: str
    options: Mapping[str, Any]
    facts: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(repr=False)
    created_at: datetime
    message: str | None = None
    rests_until: datetime | None = None


Config = dict[str, str]
