"""Add-ons: services and plans somebody provides, add-ons of apps, and what they are attached to."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.model.app import App
from kedge.model.tables import Changed, Id, Json, Moment, Row


class State(StrEnum):
    """How far an add-on is; the words are Heroku's, `resting` is ours.

    A resting one was destroyed, and its provider keeps what is in it for some days.
    """

    PROVISIONING = "provisioning"
    PROVISIONED = "provisioned"
    DEPROVISIONING = "deprovisioning"
    RESTING = "resting"
    DEPROVISIONED = "deprovisioned"


ALIVE = (State.PROVISIONING, State.PROVISIONED)


class AddonService(Row):
    """What a provider offers, as its manifest says. `sealed` holds its password and salt."""

    __tablename__ = "addon_services"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(60), unique=True)
    human_name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    docs_url: Mapped[str | None] = mapped_column(String(500))
    icon: Mapped[str | None] = mapped_column(String(60))
    base_url: Mapped[str] = mapped_column(String(500))
    sso_url: Mapped[str | None] = mapped_column(String(500))
    config_vars: Mapped[list[Any]]
    prefix: Mapped[str] = mapped_column(String(60))
    primary_name: Mapped[str] = mapped_column(String(60))
    capabilities: Mapped[list[Any]] = mapped_column(default=list)
    is_builtin: Mapped[bool] = mapped_column(default=False)
    is_retired: Mapped[bool] = mapped_column(default=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]


class Plan(Row):
    """One plan of a service, by its whole name: `heroku-postgresql:essential-0`."""

    __tablename__ = "addon_plans"

    id: Mapped[Id]
    service_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("addon_services.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120), unique=True)
    human_name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    price_cents: Mapped[int] = mapped_column(default=0)
    price_unit: Mapped[str] = mapped_column(String(20), default="month")
    is_default: Mapped[bool] = mapped_column(default=False)
    is_retired: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    attributes: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    service: Mapped[AddonService] = relationship(lazy="joined")

    @property
    def short_name(self) -> str:
        """The name without the service's: what the provider is told."""
        return self.name.partition(":")[2]


class Addon(Row):
    """One add-on. Its id is the uuid the provider knows it by.

    `leased_until`: somebody asks the provider about it until then; `try_at`: when to ask next;
    `began_at`: when it was asked for, or was to come back (`is_restoring`). `sealed_config`: what
    the provider gave; `message`: what it said; `failure`: why it did not come to be.
    """

    __tablename__ = "addons"
    __table_args__ = (
        Index("ix_addons_unsettled", "try_at", postgresql_where="try_at IS NOT NULL"),
        # A name is free again when its add-on is gone for good; a resting one keeps it.
        Index("uq_addons_name", "name", unique=True, postgresql_where="state <> 'deprovisioned'"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80))
    app_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("apps.id", ondelete="SET NULL"), index=True
    )
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("addon_plans.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default=State.PROVISIONING)
    provider_id: Mapped[str | None] = mapped_column(String(300))
    sealed_config: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_options: Mapped[bytes | None] = mapped_column(LargeBinary)
    message: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
    log_drain_url: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[Moment]
    is_restoring: Mapped[bool] = mapped_column(default=False)
    try_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    resting_until: Mapped[datetime | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App | None] = relationship(lazy="immediate")
    plan: Mapped[Plan] = relationship(lazy="joined")

    @property
    def service(self) -> AddonService:
        """The service it is of."""
        return self.plan.service


class Attachment(Row):
    """An add-on's config vars in one app, under one name: `DATABASE`."""

    __tablename__ = "addon_attachments"
    __table_args__ = (UniqueConstraint("app_id", "name"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(120))
    namespace: Mapped[str | None] = mapped_column(String(120))
    addon_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("addons.id", ondelete="CASCADE"), index=True
    )
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    addon: Mapped[Addon] = relationship(lazy="joined")
    app: Mapped[App] = relationship(lazy="immediate")


class Grant(Row):
    """What a provider may use to speak for its add-on: a code it was given, then tokens for it.

    Only digests are kept.
    """

    __tablename__ = "addon_grants"

    id: Mapped[Id]
    addon_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("addons.id", ondelete="CASCADE"), index=True
    )
    code_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    access_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    refresh_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]

    addon: Mapped[Addon] = relationship(lazy="joined")
