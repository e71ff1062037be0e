"""A source to build from, and a build of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.slug import Slug
from kedge.model.tables import AppId, Changed, Id, Moment, Row


class Source(Row):
    """A source archive, uploaded once by its put URL or by git. Kept as a blob named by its id."""

    __tablename__ = "sources"

    id: Mapped[Id]
    app_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("apps.id", ondelete="CASCADE"), index=True
    )
    uploaded_at: Mapped[datetime | None]
    created_at: Mapped[Moment]


class Build(Row):
    """A build: `pending` until it ended, then `succeeded` or `failed`.

    A worker that runs it holds a lease and renews it; a lease that ran out means the worker died.
    A push's build names the branch (`ref`) that is to move from `ref_before` to `source_version`
    when it is live, until it is settled that it has, or never will.
    """

    __tablename__ = "builds"
    __table_args__ = (
        Index("ix_builds_pending", "app_id", postgresql_where="status = 'pending'"),
        Index("ix_builds_unsettled", "app_id", postgresql_where="ref IS NOT NULL"),
    )

    id: Mapped[Id]
    app_id: Mapped[AppId]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"))
    status: Mapped[str] = mapped_column(String(10), default="pending")
    failure: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sources.id"), index=True)
    source_url: Mapped[str | None] = mapped_column(Text)
    source_version: Mapped[str | None] = mapped_column(Text)
    source_version_description: Mapped[str | None] = mapped_column(Text)
    source_checksum: Mapped[str | None] = mapped_column(String(80))
    commit_time: Mapped[int] = mapped_column(default=0)
    ref: Mapped[str | None] = mapped_column(Text)
    ref_before: Mapped[str | None] = mapped_column(String(64))
    stack: Mapped[str] = mapped_column(String(60))
    buildpacks: Mapped[list[Any]] = mapped_column(default=list)
    slug_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("slugs.id"), index=True)
    release_version: Mapped[int | None]
    output_id: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    enqueued_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    attended_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="immediate")
    user: Mapped[Account] = relationship(lazy="joined")
    slug: Mapped[Slug | None] = relationship(lazy="joined")
