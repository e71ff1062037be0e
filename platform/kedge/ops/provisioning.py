"""Having providers do what rows of add-ons say, until it is done.

One at a time asks about an add-on: the lease says until when, so that what a killed process left
is taken up by the clock. Providers know resources by uuid, so asking twice makes nothing twice.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import or_, select

from kedge.db import Transaction
from kedge.engine.protocols import Provisioned
from kedge.errors import InvalidParams, KedgeError, ProviderRefused, Unavailable
from kedge.model.addon import Addon, Attachment, State
from kedge.ops import attachments, grants
from kedge.ops.addon_services import provider_of
from kedge.ops.attached import config_context, provider_config
from kedge.ops.authorize import Actor
from kedge.ops.services import Services
from kedge.plan import addons as plan

log = structlog.get_logger()
LEASE = timedelta(seconds=60)  # longer than any provider is given to answer
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05
ASKED_AT_ONCE = 8
REGION = "amazon-web-services::us-east-1"
_running: set[uuid.UUID] = set()
_lock = threading.Lock()


def soon(services: Services, tx: Transaction, addon: Addon) -> None:
    """Have an add-on's provider asked as soon as this is committed."""
    addon.attempts, addon.try_at, addon.leased_until = 0, services.now(), None
    tx.after_commit(lambda: begin(services, addon.id))


def wait(services: Services, addon_id: uuid.UUID) -> None:
    """Give a provider a moment to be done."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with services.database.transaction() as tx:
            state = tx.scalar(select(Addon.state).where(Addon.id == addon_id))
        if state not in (State.PROVISIONING, State.DEPROVISIONING):
            return
        time.sleep(POLL_SECONDS)


def due(services: Services) -> list[uuid.UUID]:
    """The add-ons whose provider is to be asked: what failed before, or a killed process left.

    Those that have rested long enough are let go.
    """
    now = services.now()
    waiting = select(Addon.id).where(
        Addon.try_at <= now, or_(Addon.leased_until.is_(None), Addon.leased_until < now)
    )
    with services.database.transaction() as tx:
        for addon in tx.scalars(
            select(Addon).where(Addon.state == State.RESTING, Addon.resting_until < now)
        ):
            addon.state, addon.try_at, addon.resting_until = State.DEPROVISIONED, None, None
        return list(tx.scalars(waiting))


def advance(services: Services, addon_id: uuid.UUID) -> None:
    """Ask an add-on's provider for what its row says, unless somebody is at it."""
    addon = _claimed(services, addon_id)
    if addon is None:
        return
    try:
        if addon.state == State.PROVISIONING:
            _provision(services, addon)
        elif addon.state == State.DEPROVISIONING:
            _deprovision(services, addon)
        else:
            _settle(services, addon_id)
    except (ProviderRefused, InvalidParams) as error:
        _refused(services, addon, error)
    except Unavailable as error:
        _again(services, addon, error.message)


def move(
    services: Services, actor: Actor, addon_id: uuid.UUID, plan_id: uuid.UUID, answer: Provisioned
) -> None:
    """The provider moved an add-on to another plan: its new config, if any, goes to its apps."""
    with services.database.transaction() as tx:
        addon = _locked(tx, addon_id)
        addon.plan_id, addon.message = plan_id, answer.message
        if answer.config is not None:
            _keep_config(services, addon, answer.config)
        tx.flush()
        tx.refresh(addon)
        words = "Update {name} by " + addon.service.name
        attachments.renew_all(services, tx, actor, addon, words)


def set_config(services: Services, addon: Addon, changes: dict[str, Any]) -> dict[str, str]:
    """What a provider says its add-on's config is from now on; None takes a var away.

    Raises:
        InvalidParams: a key its manifest does not declare.
    """
    with services.database.transaction() as tx:
        row = _locked(tx, addon.id)
        config: dict[str, Any] = {**provider_config(services, row), **changes}
        kept = {key: value for key, value in config.items() if value is not None}
        _keep_config(services, row, kept)
        if row.state == State.PROVISIONED:
            words = "Update {name} by " + row.service.name
            attachments.renew_all(services, tx, attachments.actor_of(tx, row), row, words)
        return kept


def done(services: Services, addon_id: uuid.UUID) -> Addon:
    """An add-on is there: its config vars go to the apps it is attached to."""
    with services.database.transaction() as tx:
        addon = _locked(tx, addon_id)
        if addon.state == State.PROVISIONING:
            _arrive(services, tx, addon)
        return addon


def ended(services: Services, addon_id: uuid.UUID) -> None:
    """The provider says that an add-on will not be, or is gone."""
    found = row(services, addon_id)
    if found.state == State.PROVISIONING:
        gave_up(services, addon_id, found.message or "the provider could not make it")
        return
    with services.database.transaction() as tx:
        gone = _locked(tx, addon_id)
        attachments.detach_all(services, tx, attachments.actor_of(tx, gone), gone)
        gone.state, gone.try_at, gone.leased_until = State.DEPROVISIONED, None, None


def row(services: Services, addon_id: uuid.UUID) -> Addon:
    """An add-on as it is now."""
    with services.database.transaction() as tx:
        return tx.get_one(Addon, addon_id)


def gave_up(services: Services, addon_id: uuid.UUID, reason: str) -> None:
    """An add-on will not be: its name and its attachment's are free again."""
    with services.database.transaction() as tx:
        addon = _locked(tx, addon_id)
        for each in tx.scalars(select(Attachment).where(Attachment.addon_id == addon_id)):
            tx.delete(each)
        addon.state, addon.failure = State.DEPROVISIONED, reason
        addon.try_at = addon.leased_until = None
        addon.name = f"{addon.name}-{addon.id.hex[:8]}"[:80]
        if addon.app_id:
            services.say(tx, addon.app_id, f"Add-on was not provisioned: {reason}")


def _provision(services: Services, addon: Addon) -> None:
    if services.now() - addon.created_at > plan.GIVES_UP:
        _give_up_late(services, addon)
        return
    answer = services.partner.provision(
        provider_of(services, addon.service), _body(services, addon)
    )
    with services.database.transaction() as tx:
        row = _locked(tx, addon.id)
        if row.state != State.PROVISIONING:
            return  # destroyed, or called back, while the provider was asked
        row.provider_id, row.message = answer.provider_id, answer.message
        if answer.config is not None:
            _keep_config(services, row, answer.config)
        if answer.is_pending:
            row.leased_until, row.try_at = None, services.now() + plan.GIVES_UP
            row.attempts = 0
            return
        _arrive(services, tx, row)


def _arrive(services: Services, tx: Transaction, addon: Addon) -> None:
    addon.state, addon.try_at, addon.leased_until = State.PROVISIONED, None, None
    tx.flush()
    words = "Attach {name} (@ref:" + addon.name + ")"
    attachments.renew_all(services, tx, attachments.actor_of(tx, addon), addon, words)


def _give_up_late(services: Services, addon: Addon) -> None:
    """It never came to be; what its provider may have made of it is removed there too."""
    if addon.provider_id:
        provider = provider_of(services, addon.service)
        services.partner.deprovision(provider, addon.provider_id)
    gave_up(services, addon.id, f"{addon.service.name} did not make it within 12 hours")


def _deprovision(services: Services, addon: Addon) -> None:
    if addon.provider_id:
        provider = provider_of(services, addon.service)
        services.partner.deprovision(provider, addon.provider_id)
    with services.database.transaction() as tx:
        row = _locked(tx, addon.id)
        rests = row.service.is_builtin and "restore" in row.service.capabilities
        row.state = State.RESTING if rests and row.provider_id else State.DEPROVISIONED
        row.resting_until = services.now() + plan.RESTS if rests else None
        row.try_at = row.leased_until = None


def _body(services: Services, addon: Addon) -> dict[str, Any]:
    """What a provider is told of an add-on it is to make."""
    options: dict[str, Any] = {}
    if addon.sealed_options:
        context = f"options of add-on {addon.id}"
        options = json.loads(services.vault.open(addon.sealed_options, context))
    settings = services.settings
    port = "" if settings.http_port == 80 else f":{settings.http_port}"
    return {
        "callback_url": f"http://{settings.domain}{port}/addons/{addon.id}",
        "name": addon.name,
        "oauth_grant": grants.issue(services, addon),
        "options": options,
        "plan": addon.plan.short_name,
        "region": REGION,
        "uuid": str(addon.id),
        "log_input_url": None,
        "log_drain_token": f"d.{addon.id}",
    }


def _keep_config(services: Services, addon: Addon, config: object) -> None:
    checked = plan.check_config(config, addon.service.config_vars)
    plain = json.dumps(checked, sort_keys=True).encode()
    addon.sealed_config = services.vault.seal(plain, config_context(addon.id))


def _claimed(services: Services, addon_id: uuid.UUID) -> Addon | None:
    """The add-on, ours for a minute; None when somebody is at it or there is nothing to do."""
    now = services.now()
    with services.database.transaction() as tx:
        query = (
            select(Addon).where(Addon.id == addon_id).with_for_update(of=Addon, skip_locked=True)
        )
        addon = tx.scalar(query)
        is_free = addon is not None and (addon.leased_until is None or addon.leased_until < now)
        if addon is None or addon.try_at is None or not is_free:
            return None
        addon.leased_until, addon.attempts = now + LEASE, addon.attempts + 1
        return addon


def _refused(services: Services, addon: Addon, error: KedgeError) -> None:
    reason = getattr(error, "words", None) or error.message
    log.info("addon.refused", addon=addon.name, state=addon.state)
    if addon.state == State.PROVISIONING:
        gave_up(services, addon.id, reason)
    else:
        _again(services, addon, reason)


def _again(services: Services, addon: Addon, reason: str) -> None:
    """Try again after a while."""
    now = services.now()
    log.warning("addon.trying_again", addon=addon.name, attempts=addon.attempts, reason=reason)
    with services.database.transaction() as tx:
        row = _locked(tx, addon.id)
        row.leased_until = None
        row.try_at = now + plan.rest_before_retry(row.attempts)


def _settle(services: Services, addon_id: uuid.UUID) -> None:
    with services.database.transaction() as tx:
        row = _locked(tx, addon_id)
        row.try_at = row.leased_until = None


def _locked(tx: Transaction, addon_id: uuid.UUID) -> Addon:
    return tx.get_one(Addon, addon_id, with_for_update={"of": Addon})


def begin(services: Services, addon_id: uuid.UUID) -> None:
    """Ask an add-on's provider in a thread of its own: it may take half a minute."""
    with _lock:
        if addon_id in _running:
            return
        _running.add(addon_id)
    _threads().submit(_run, services, addon_id)


def _run(services: Services, addon_id: uuid.UUID) -> None:
    try:
        advance(services, addon_id)
    except Exception:  # the row says what is to be done; the clock takes it up
        log.exception("addon.failed", addon=str(addon_id))
    finally:
        with _lock:
            _running.discard(addon_id)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ASKED_AT_ONCE, "addon")
