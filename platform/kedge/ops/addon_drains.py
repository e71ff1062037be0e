"""Log drains of add-ons: a provider that asked for it is sent the log of its add-on's app.

https://devcenter.heroku.com/articles/add-on-partner-log-integration
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager

from kedge.model.addon import Addon, State
from kedge.model.app import App
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services


@dataclass(frozen=True, slots=True)
class Drain:
    """Where an app's log goes on to. `url` may hold a secret; `place` is what of it is shown."""

    addon: Addon
    app_id: uuid.UUID
    url: str = field(repr=False)

    @property
    def id(self) -> uuid.UUID:
        """Its own, the same for an add-on and an app."""
        return uuid.uuid5(self.addon.id, f"log drain of {self.app_id}")

    @property
    def token(self) -> str:
        """What the provider knows it by: it was told when the add-on was made."""
        return f"d.{self.addon.id}"

    @property
    def place(self) -> str:
        """The address without credentials, path and query."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}"


def list_of_app(services: Services, actor: Actor, app_identity: str) -> list[Drain]:
    """The drains of an app, by their add-ons' names."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return [_drain(each) for each in tx.scalars(_drained().where(Addon.app_id == app.id))]


def list_all(services: Services) -> list[Drain]:
    """Every drain there is."""
    with services.database.transaction() as tx:
        return [_drain(each) for each in tx.scalars(_drained())]


def _drained() -> Select[Addon]:
    query = select(Addon).join(Addon.app).options(contains_eager(Addon.app))
    return query.order_by(Addon.name).where(
        Addon.state == State.PROVISIONED,
        Addon.log_drain_url.is_not(None),
        App.deleting_at.is_(None),
    )


def _drain(addon: Addon) -> Drain:
    if addon.app_id is None or addon.log_drain_url is None:
        raise LookupError(f"{addon.name} has no drain")
    return Drain(addon, addon.app_id, addon.log_drain_url)
