"""An add-on held with the apps that have it, so that several people can be at them at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from kedge.db import Transaction
from kedge.model.addon import ALIVE, Addon, Attachment
from kedge.model.app import App


def hold(tx: Transaction, addon_id: uuid.UUID) -> Addon:
    """An add-on as it is now, held until the transaction ends with every app that has it.

    Everybody takes apps before add-ons, and several by their ids: so nobody waits in a circle.
    """
    return _held(tx, lambda: [addon_id], set())[0]


def hold_all(tx: Transaction, app_id: uuid.UUID) -> list[Addon]:
    """An app with its own add-ons and every app that has one of them, likewise."""
    own = select(Addon.id).where(Addon.app_id == app_id, Addon.state.in_(ALIVE))
    return _held(tx, lambda: list(tx.scalars(own)), {app_id})


def locked_apps(app_ids: Collection[uuid.UUID]) -> Select[App]:
    """These apps, held until the transaction ends, by their ids."""
    query = select(App).where(App.id.in_(app_ids)).order_by(App.id).with_for_update(of=App)
    return query.execution_options(populate_existing=True)


def _held(
    tx: Transaction, ids: Callable[[], list[uuid.UUID]], app_ids: set[uuid.UUID]
) -> list[Addon]:
    """What was attached or made between the look and the locks is seen by looking again."""
    while True:
        look = tx.begin_nested()
        addon_ids = sorted(ids())
        for app in tx.scalars(locked_apps(app_ids | _app_ids(tx, addon_ids))):
            app_ids.add(app.id)
        addons = [tx.lock(Addon, addon_id) for addon_id in addon_ids]
        if sorted(ids()) == addon_ids and app_ids >= _app_ids(tx, addon_ids):
            look.commit()
            return addons
        look.rollback()  # lets go of them all


def _app_ids(tx: Session, addon_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(tx.scalars(select(Attachment.app_id).where(Attachment.addon_id.in_(addon_ids))))
