"""The releases that add-ons make of the apps that have them."""

from __future__ import annotations

import uuid

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kedge.db import Transaction
from kedge.model.account import Account
from kedge.model.addon import Addon, Attachment
from kedge.model.app import App
from kedge.model.config import change as checked
from kedge.model.release import Change, Release
from kedge.ops import attached, releases
from kedge.ops.addon_locks import locked_apps
from kedge.ops.authorize import Actor
from kedge.ops.services import Services
from kedge.ops.snapshots import seal, unseal


def renew(
    services: Services,
    tx: Transaction,
    actor: Actor,
    app: App,
    description: str,
    *,
    change: Change = Change.ADDON,
) -> Release | None:
    """A release with the app's own config vars and those of its attachments of now, if it differs.

    The caller holds the app's lock.
    """
    newest = releases.newest(tx, app)
    before = unseal(services, newest.config)
    after = checked(attached.effective(services, tx, app, newest), {})
    if after == before and attached.listed(services, tx, app) == newest.addons:
        return None
    config = seal(services, tx, app, after)
    return releases.append(services, tx, actor, app, change, description, config=config)


def renew_all(
    services: Services,
    tx: Transaction,
    actor: Actor,
    addon: Addon,
    words: str,
    *,
    change: Change = Change.ADDON,
) -> list[Release]:
    """Have every app an add-on is attached to see its config of now; the releases this made.

    The caller holds it. `words` may hold `{name}`, the attachment's.
    """
    made = []
    for app, names in _apps_of(tx, addon):
        if not app.deleting_at:
            told = words.format(name=", ".join(names))
            made.append(renew(services, tx, actor, app, told, change=change))
    return [release for release in made if release is not None]


def detach_all(services: Services, tx: Transaction, actor: Actor, addon: Addon) -> None:
    """Take an add-on's config vars from every app, one release each. The caller holds it."""
    for app, names in _apps_of(tx, addon):
        own = Attachment.addon_id == addon.id, Attachment.app_id == app.id
        tx.execute(delete(Attachment).where(*own))
        if not app.deleting_at:
            listed = ", ".join(names)
            renew(services, tx, actor, app, f"Detach {listed} (@ref:{addon.name})")


def actor_of(tx: Session, addon: Addon) -> Actor:
    """Who is named where a provider changes something: whoever asked for the add-on."""
    account = tx.get_one(Account, addon.user_id)
    return Actor(account.id, account.email, is_owner=False)


def _apps_of(tx: Session, addon: Addon) -> list[tuple[App, list[str]]]:
    """The apps an add-on is attached to, with its names there."""
    names: dict[uuid.UUID, list[str]] = {}
    for each in attached.of_addon(tx, addon):
        names.setdefault(each.app_id, []).append(each.name)
    return [(app, sorted(names[app.id])) for app in tx.scalars(locked_apps(names))]
