"""What is attached to an app, as its releases hold it: which config vars are whose.

A release's config is whole: the app's own config vars and those of its attachments. `addons` of the
release tells them apart. On a rollback the own ones come back, the attachments' stay those of
today: credentials that were changed since, and add-ons that are gone, do not return.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.model.addon import Addon, Attachment, State
from kedge.model.app import App
from kedge.model.config import Config
from kedge.model.release import Release
from kedge.ops.authorize import Actor, visible_to
from kedge.ops.services import Services
from kedge.ops.snapshots import unseal
from kedge.plan.addons import vars_of


def attachments(tx: Session, app: App) -> list[Attachment]:
    """The app's attachments of add-ons that are there, by name."""
    query = (
        select(Attachment)
        .join(Addon, Addon.id == Attachment.addon_id)
        .where(Attachment.app_id == app.id, Addon.state == State.PROVISIONED)
        .order_by(Attachment.name)
    )
    return list(tx.scalars(query))


def of_addon(tx: Session, addon: Addon) -> list[Attachment]:
    """Every attachment of an add-on."""
    query = select(Attachment).where(Attachment.addon_id == addon.id)
    return list(tx.scalars(query.order_by(Attachment.created_at)))


def elsewhere(tx: Session, actor: Actor, addon: Addon, app_id: uuid.UUID | None) -> str:
    """The other apps an add-on is attached to, in words; empty when there are none.

    Apps the actor does not see are counted and not named.
    """
    app_ids = {each.app_id for each in of_addon(tx, addon)} - {app_id}
    query = select(App.name).where(App.id.in_(app_ids), *visible_to(actor))
    seen = sorted(tx.scalars(query))
    unseen = len(app_ids) - len(seen)
    counted = [f"{unseen} of other people's apps"] if unseen else []
    return ", ".join([*seen, *counted])


def listed(services: Services, tx: Session, app: App) -> list[dict[str, Any]]:
    """What a release notes of the app's attachments."""
    return [
        {
            "attachment": each.name,
            "addon": each.addon.name,
            "addon_id": str(each.addon_id),
            "plan": each.addon.plan.name,
            "config_vars": sorted(config_of(services, each)),
        }
        for each in attachments(tx, app)
    ]


def config_of(services: Services, attachment: Attachment) -> Config:
    """The config vars an attachment gives its app."""
    addon = attachment.addon
    given = provider_config(services, addon)
    return vars_of(addon.service.prefix, attachment.name, given)


def provider_config(services: Services, addon: Addon) -> Config:
    """What the provider gave for an add-on, by the provider's names."""
    if addon.sealed_config is None:
        return {}
    plain = services.vault.open(addon.sealed_config, config_context(addon.id))
    config: Config = json.loads(plain)
    return config


def effective(services: Services, tx: Session, app: App, base: Release) -> Config:
    """The own config vars of a release, with those of the attachments of today."""
    held = keys_of(base.addons)
    config = {key: v for key, v in unseal(services, base.config).items() if key not in held}
    for attachment in attachments(tx, app):
        config |= config_of(services, attachment)
    return config


def keys_of(addons: Iterable[Mapping[str, Any]]) -> set[str]:
    """The config vars that are attachments', of what a release noted."""
    return {key for each in addons for key in each["config_vars"]}


def config_context(addon_id: uuid.UUID) -> str:
    """What an add-on's config is sealed for."""
    return f"config of add-on {addon_id}"
