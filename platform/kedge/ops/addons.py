"""Add-ons: made, moved to another plan, renamed, destroyed, brought back.

A row says what is wanted; `ops/provisioning.py` then has the provider do it, and tries again until
it is done. So a provider that is away, or a part of ours that dies, loses nothing.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kedge.errors import Conflict, InvalidParams, ProviderRefused, Unconfirmed
from kedge.model.addon import ALIVE, Addon, Plan, State
from kedge.ops import (
    addon_directory,
    addon_locks,
    addon_options,
    addon_states,
    attached,
    attachment_releases,
    attachments,
    provisioning,
)
from kedge.ops.addon_services import plan_of, provider_of
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services
from kedge.plan import addons as plan


def create(
    services: Services,
    actor: Actor,
    app_identity: str,
    plan_identity: str,
    *,
    name: str | None = None,
    attachment_name: str | None = None,
    options: Mapping[str, object] | None = None,
    idempotency_key: str | None = None,
) -> Addon:
    """Have an add-on made for an app. It is attached when its provider is done.

    A fast provider is waited for a few seconds. The same `idempotency_key` again is the same
    add-on.

    Raises:
        InvalidParams: no such plan, or a name that may not be or is taken.
        ProviderRefused: the provider says no.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        key = f"{actor.account_id}:{idempotency_key}"[:200] if idempotency_key else None
        if key and (known := tx.scalar(select(Addon).where(Addon.idempotency_key == key))):
            return known
        made = _new(services, tx, actor, plan_of(tx, plan_identity), name)
        made.app_id, made.idempotency_key = app.id, key
        made.began_at = services.now()
        made.sealed_options = addon_options.sealed(services, made, options)
        tx.add(made)
        _flush_name(tx, made.name)
        attachment = attachments.reserve(services, tx, app, made, attachment_name)
        record(tx, actor, "addon.create", app, addon=made.name, plan=made.plan.name,
               attachment=attachment.name)  # fmt: skip
        provisioning.soon(services, tx, made)
    return _settled(services, made.id)


def change_plan(services: Services, actor: Actor, identity: str, plan_identity: str) -> Addon:
    """Move an add-on to another plan of its service. The provider decides.

    Raises:
        InvalidParams: no such plan, or one of another service.
        ProviderRefused: what is in it does not fit, in the provider's words.
        ProviderAway: it does not answer.
    """
    with services.database.transaction() as tx:
        addon = _changeable(tx, actor, identity)
        wanted = plan_of(tx, plan_identity)
        if wanted.service_id != addon.plan.service_id:
            raise InvalidParams(f"{wanted.name} is not a plan of {addon.service.name}.")
    if wanted.id != addon.plan_id:
        provider = provider_of(services, addon.service)
        place = str(addon.provider_id)
        with provisioning.asking(services, addon.id):
            answer = services.partner.change_plan(provider, place, wanted.short_name)
            addon_states.move(services, actor, addon.id, wanted.id, answer)
    return addon_directory.find(services, actor, str(addon.id))


def rename(services: Services, actor: Actor, identity: str, name: str) -> Addon:
    """Give an add-on another name. Raises InvalidParams."""
    with services.database.transaction() as tx:
        addon = _changeable(tx, actor, identity)
        if addon.service.is_builtin:
            raise InvalidParams(
                "Add-ons of the platform itself keep their name: apps reach them by it."
            )
        record(tx, actor, "addon.rename", addon.app, old=addon.name, new=name)
        addon.name = plan.check_addon_name(name)
        _flush_name(tx, name)
        return addon


def destroy(services: Services, actor: Actor, identity: str, *, force: bool = False) -> Addon:
    """Destroy an add-on: detached everywhere at once, then its provider removes it.

    The platform's own services keep what was in it for seven days (`restore`).

    Raises:
        Unconfirmed: it is attached to other apps too, and `force` was not said.
    """
    with services.database.transaction() as tx:
        addon = addon_locks.hold(tx, addon_directory.one(tx, actor, identity, Action.OPERATE).id)
        if addon.state not in ALIVE:
            return addon
        others = attached.elsewhere(tx, actor, addon, addon.app_id)
        if others and not force:
            raise Unconfirmed(
                f"{addon.name} is attached to {others} too. Detach it there, "
                "or destroy it with --force.", resource="add_on",
            )  # fmt: skip
        record(tx, actor, "addon.destroy", addon.app, addon=addon.name)
        attachment_releases.detach_all(services, tx, actor, addon)
        addon.state = State.DEPROVISIONING
        provisioning.soon(services, tx, addon)
    return _settled(services, addon.id)


def restore(services: Services, actor: Actor, identity: str) -> Addon:
    """Bring a destroyed add-on back, with all that was in it, and attach it to its app again.

    Raises:
        NotFound: there is none that rests.
        Conflict: its app is gone.
    """
    with services.database.transaction() as tx:
        addon = addon_directory.resting_one(tx, actor, identity)
        if addon.app is None or addon.app.deleting_at:
            raise Conflict(f"The app of {addon.name} is gone. Its backups are what is left of it.")
        find_app(tx, actor, addon.app.id, Action.OPERATE, lock=True)
        addon = tx.lock(Addon, addon.id)
        if addon.state != State.RESTING or addon.app is None:
            raise Conflict(f"{addon.name} is {addon.state} already.")
        attachments.reserve(services, tx, addon.app, addon, None)
        addon.state, addon.is_restoring = State.PROVISIONING, True
        addon.began_at = services.now()
        record(tx, actor, "addon.restore", addon.app, addon=addon.name)
        provisioning.soon(services, tx, addon)
    return _settled(services, addon.id)


def _new(services: Services, tx: Session, actor: Actor, wanted: Plan, name: str | None) -> Addon:
    del services
    chosen = plan.check_addon_name(name) if name else None
    while chosen is None:
        words, number = secrets.choice(plan.WORDS), secrets.randbelow(90_000) + 10_000
        drawn = plan.addon_name(wanted.service.name, words, number)
        chosen = None if tx.scalar(select(Addon.id).where(Addon.name == drawn)) else drawn
    return Addon(id=uuid.uuid4(), name=chosen, plan=wanted, plan_id=wanted.id,
                 user_id=actor.account_id, state=State.PROVISIONING)  # fmt: skip


def _settled(services: Services, addon_id: uuid.UUID) -> Addon:
    """The add-on after its provider was given a moment. Raises ProviderRefused."""
    provisioning.wait(services, addon_id)
    with services.database.transaction() as tx:
        addon = tx.get_one(Addon, addon_id)
        if addon.state not in ALIVE and addon.failure:
            raise ProviderRefused(addon.service.name, addon.failure)
        return addon


def _changeable(tx: Session, actor: Actor, identity: str) -> Addon:
    addon = addon_directory.one(tx, actor, identity, Action.OPERATE)
    if addon.state != State.PROVISIONED:
        raise addon_directory.not_there(addon)
    return addon


def _flush_name(tx: Session, name: str) -> None:
    try:
        tx.flush()
    except IntegrityError as error:
        raise InvalidParams(f"The name {name} is already taken. Choose another one.") from error
