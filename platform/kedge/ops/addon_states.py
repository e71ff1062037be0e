"""What becomes of an add-on by its provider's word: it is there, changed, moved, or gone."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import select

from kedge.db import Transaction
from kedge.engine.protocols import Provisioned
from kedge.errors import Conflict
from kedge.model.addon import ALIVE, Addon, Attachment, State
from kedge.model.release import Change
from kedge.ops import addon_locks, attachment_releases
from kedge.ops.attached import config_context, provider_config
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services
from kedge.plan import addons as plan


def done(services: Services, addon_id: uuid.UUID) -> Addon:
    """An add-on is there: its config vars go to the apps it is attached to."""
    with services.database.transaction() as tx:
        addon = addon_locks.hold(tx, addon_id)
        if addon.state == State.PROVISIONING:
            arrive(services, tx, addon)
        return addon


def move(
    services: Services, actor: Actor, addon_id: uuid.UUID, plan_id: uuid.UUID, answer: Provisioned
) -> None:
    """The provider moved an add-on to another plan: its new config, if any, goes to its apps."""
    with services.database.transaction() as tx:
        addon = addon_locks.hold(tx, addon_id)
        if addon.state != State.PROVISIONED:
            return  # destroyed meanwhile
        addon.plan_id, addon.message = plan_id, answer.message
        if answer.config is not None:
            keep_config(services, addon, answer.config)
        tx.flush()
        tx.refresh(addon)
        record(tx, actor, "addon.change_plan", addon.app, addon=addon.name, plan=addon.plan.name)
        words = "Update {name} by " + addon.service.name
        attachment_releases.renew_all(services, tx, actor, addon, words, change=Change.ADDON_CONFIG)


def set_config(services: Services, addon: Addon, changes: dict[str, Any]) -> dict[str, str]:
    """What a provider says its add-on's config is from now on; None takes a var away.

    Raises:
        InvalidParams: a key its manifest does not declare.
        Conflict: the add-on is gone.
    """
    with services.database.transaction() as tx:
        row = addon_locks.hold(tx, addon.id)
        if row.state not in ALIVE:
            raise Conflict(f"{row.name} is {row.state}.", resource="add_on")
        config: dict[str, Any] = {**provider_config(services, row), **changes}
        kept = {key: value for key, value in config.items() if value is not None}
        keep_config(services, row, kept)
        if row.state == State.PROVISIONED:
            words = "Update {name} by " + row.service.name
            actor = attachment_releases.actor_of(tx, row)
            attachment_releases.renew_all(
                services, tx, actor, row, words, change=Change.ADDON_CONFIG
            )
        return kept


def ended(services: Services, addon_id: uuid.UUID) -> None:
    """The provider says that an add-on will not be, or is gone."""
    with services.database.transaction() as tx:
        gone = addon_locks.hold(tx, addon_id)
        if gone.state == State.PROVISIONING:
            drop(services, tx, gone, gone.message or "the provider could not make it")
        attachment_releases.detach_all(services, tx, attachment_releases.actor_of(tx, gone), gone)
        gone.state, gone.try_at, gone.leased_until = State.DEPROVISIONED, None, None


def row(services: Services, addon_id: uuid.UUID) -> Addon:
    """An add-on as it is now."""
    with services.database.transaction() as tx:
        return tx.get_one(Addon, addon_id)


def arrive(services: Services, tx: Transaction, addon: Addon) -> None:
    """An add-on is there: a release of each app it was to be attached to. The caller holds it."""
    addon.state, addon.try_at, addon.leased_until = State.PROVISIONED, None, None
    addon.is_restoring, addon.resting_until = False, None
    tx.flush()
    words = "Attach {name} (@ref:" + addon.name + ")"
    actor = attachment_releases.actor_of(tx, addon)
    for release in attachment_releases.renew_all(services, tx, actor, addon, words):
        keys = [each["config_vars"] for each in release.addons if each["addon"] == addon.name]
        listed = ", ".join(key for found in keys for key in found)
        told = f"@ref:{addon.name} completed provisioning, setting {listed or 'nothing'}."
        services.say(tx, release.app_id, told)


def drop(services: Services, tx: Transaction, addon: Addon, reason: str) -> None:
    """An add-on will not be: its attachments go, and its app's log says why."""
    for each in tx.scalars(select(Attachment).where(Attachment.addon_id == addon.id)):
        tx.delete(each)
    addon.failure = reason
    if addon.app_id:
        services.say(tx, addon.app_id, f"{addon.name} was not provisioned: {reason}")


def keep_config(services: Services, addon: Addon, config: object) -> None:
    """Seal what the provider gave. Raises InvalidParams: not what its manifest declares."""
    checked = plan.check_config(config, addon.service.config_vars)
    plain = json.dumps(checked, sort_keys=True).encode()
    addon.sealed_config = services.vault.seal(plain, config_context(addon.id))
