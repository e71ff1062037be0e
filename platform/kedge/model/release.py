"""A release: an immutable, numbered record of code and config.

Append-only: a database trigger refuses any change but to what is observed of it (status, stage,
failure, output), and its deletion while the app lives. Its digest covers what it holds and its
predecessor's digest, so that no release can be altered or taken out unseen.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.config import ConfigSnapshot
from kedge.model.slug import Slug
from kedge.model.tables import AppId, Changed, Id, Json, Row


class Status(StrEnum):
    """What is observed of a release; the words are Heroku's."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


class Stage(StrEnum):
    """How far a pending release has come."""

    WAITING = "waiting"
    RELEASE_PHASE = "release phase"
    ROLLOUT = "rollout"
    SWITCHED = "switched"
    DONE = "done"


class Change(StrEnum):
    """What kind of change made a release."""

    CREATION = "creation"
    DEPLOY = "deploy"
    CONFIG = "config"
    ADDON = "addon"
    ADDON_CONFIG = "addon config"
    ROLLBACK = "rollback"


class Release(Row):
    """One release. Only `status`, `stage`, `failure` and `updated_at` ever change."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("app_id", "version"),
        Index("ix_releases_unfinished", "app_id", postgresql_where="status = 'pending'"),
    )

    id: Mapped[Id]
    app_id: Mapped[AppId]
    version: Mapped[int]
    status: Mapped[str] = mapped_column(String(10), default=Status.PENDING)
    stage: Mapped[str] = mapped_column(String(20), default=Stage.WAITING)
    failure: Mapped[Json | None]
    change: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(Text)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"))
    slug_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("slugs.id"), index=True)
    config_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("config_snapshots.id"), index=True)
    process_types: Mapped[Json]
    formation: Mapped[Json]
    stack: Mapped[str] = mapped_column(String(60))
    addons: Mapped[list[Any]] = mapped_column(default=list)
    output_id: Mapped[uuid.UUID | None]
    digest: Mapped[str] = mapped_column(String(64))
    previous_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="immediate")
    user: Mapped[Account] = relationship(lazy="joined")
    slug: Mapped[Slug | None] = relationship(lazy="joined")
    config: Mapped[ConfigSnapshot] = relationship(lazy="joined")

    @property
    def release_command(self) -> str | None:
        """The command of the release phase, when the slug declares one.

        A provider's new config goes out without one, as on Heroku: nobody asked for it.
        """
        if self.change == Change.ADDON_CONFIG:
            return None
        return self.process_types.get("release")

    @property
    def is_eligible_for_rollback(self) -> bool:
        """Whether one may go back to it: it has code and did not fail."""
        return self.slug_id is not None and self.status not in (Status.FAILED, Status.PENDING)

    def seal(self, *, slug_digest: str | None, config_digest: str) -> str:
        """The digest of the canonical form, chained to the predecessor's."""
        held = {
            "app": str(self.app_id),
            "version": self.version,
            "change": self.change,
            "description": self.description,
            "user": str(self.user_id),
            "slug": slug_digest,
            "config": config_digest,
            "process_types": self.process_types,
            "formation": self.formation,
            "stack": self.stack,
            "addons": self.addons,
            "created_at": self.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "previous": self.previous_digest,
        }
        return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
