"""Having providers do what rows of add-ons say, until it is done.

One at a time asks about an add-on: the lease says until when, so that what a killed process left
is taken up by the clock. Providers know resources by uuid, so asking twice makes nothing twice.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import delete, or_, select

from kedge.db import Transaction
from kedge.errors import (
    Conflict,
    InvalidParams,
    KedgeError,
    ProviderAway,
    ProviderRefused,
    Unavailable,
)
from kedge.model.addon import Addon, State
from kedge.ops import (
    addon_locks,
    addon_logs,
    addon_options,
    addon_states,
    grants,
)
from kedge.ops.addon_services import provider_of
from kedge.ops.services import Services
from kedge.plan import addons as plan

log = structlog.get_logger()
LEASE = timedelta(seconds=60)  # longer than any provider is given to answer
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.02
ASKED_AT_ONCE = 8
RESTORE = "restore"  # a capability: what was destroyed can be brought back for a while
REGION = "amazon-web-services::us-east-1"
_running: set[uuid.UUID] = set()
_again_wanted: set[uuid.UUID] = set()
_lock = threading.Lock()


def soon(services: Services, tx: Transaction, addon: Addon) -> None:
    """Have an add-on's provider asked as soon as this is committed, and nobody else asks it."""
    addon.attempts, addon.try_at, addon.failure = 0, services.now(), None
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
        rested = select(Addon).where(Addon.state == State.RESTING, Addon.resting_until < now)
        for addon in tx.scalars(rested.with_for_update(of=Addon, skip_locked=True)):
            addon.state, addon.try_at, addon.resting_until = State.DEPROVISIONED, None, None
        old = Addon.updated_at < now - plan.REMEMBERED
        tx.execute(delete(Addon).where(Addon.state == State.DEPROVISIONED, old))
        return list(tx.scalars(waiting))


def advance(services: Services, addon_id: uuid.UUID) -> None:
    """Ask an add-on's provider for what its row says, unless somebody is at it."""
    addon = _claimed(services, addon_id)
    if addon is None:
        return
    try:
        if addon.state == State.PROVISIONING and services.now() - addon.began_at > plan.GIVES_UP:
            gave_up(services, addon_id, f"{addon.service.name} did not make it within 12 hours")
        elif addon.state == State.PROVISIONING:
            _provision(services, addon)
        elif addon.state == State.DEPROVISIONING:
            _deprovision(services, addon)
        else:
            _settle(services, addon_id)
    except (ProviderRefused, InvalidParams) as error:
        _refused(services, addon, error)
    except ProviderAway as error:
        who = addon.service.human_name
        _again(services, addon, f"{who} is asked again by itself: {error.reason}.")
    except Unavailable as error:
        _again(services, addon, error.message)


@contextmanager
def asking(services: Services, addon_id: uuid.UUID) -> Iterator[None]:
    """Keep everybody else from asking an add-on's provider about it meanwhile.

    Raises:
        Conflict: somebody is at it.
    """
    with services.database.transaction() as tx:
        addon = tx.lock(Addon, addon_id)
        if addon.leased_until is not None and addon.leased_until > services.now():
            raise Conflict(f"{addon.name} is being changed already. Try again in a moment.")
        addon.leased_until = services.now() + LEASE
    try:
        yield
    finally:
        with services.database.transaction() as tx:
            tx.lock(Addon, addon_id).leased_until = None


def gave_up(services: Services, addon_id: uuid.UUID, reason: str, *, is_left: bool = True) -> None:
    """An add-on will not be: what it was to be attached as is free again.

    `is_left`: its provider may have made something of it, and is asked to remove that.
    """
    with services.database.transaction() as tx:
        addon = addon_locks.hold(tx, addon_id)
        addon.leased_until = None
        if addon.state != State.PROVISIONING:
            tx.after_commit(lambda: begin(services, addon_id))  # it was destroyed meanwhile
            return
        addon_states.drop(services, tx, addon, reason)
        if addon.is_restoring:  # what was in it is where it was
            addon.state, addon.is_restoring = State.RESTING, False
            addon.try_at = None
            return
        addon.state = State.DEPROVISIONING if is_left else State.DEPROVISIONED
        addon.attempts, addon.try_at = 0, services.now() if is_left else None
        if is_left:
            tx.after_commit(lambda: begin(services, addon_id))


def _provision(services: Services, addon: Addon) -> None:
    provider = provider_of(services, addon.service)
    if addon.is_restoring:
        answer = services.partner.restore(provider, str(addon.provider_id))
    else:
        answer = services.partner.provision(provider, _body(services, addon))
    with services.database.transaction() as tx:
        row = addon_locks.hold(tx, addon.id)
        row.provider_id = row.provider_id or answer.provider_id
        row.log_drain_url = answer.log_drain_url
        if row.state != State.PROVISIONING:  # destroyed, or called back, while it was asked
            row.leased_until = None
            tx.after_commit(lambda: begin(services, addon.id))
            return
        row.message = answer.message
        if answer.config is not None:
            addon_states.keep_config(services, row, answer.config)
        if answer.is_pending:
            row.leased_until, row.try_at = None, row.began_at + plan.GIVES_UP
            row.attempts = 0
            return
        addon_states.arrive(services, tx, row)


def _deprovision(services: Services, addon: Addon) -> None:
    provider = provider_of(services, addon.service)
    # A provider whose answer was lost may know it by its uuid alone.
    services.partner.deprovision(provider, addon.provider_id or str(addon.id))
    with services.database.transaction() as tx:
        row = tx.lock(Addon, addon.id)
        if row.state == State.DEPROVISIONING:
            can_rest = row.service.is_builtin and RESTORE in row.service.capabilities
            rests = can_rest and row.provider_id is not None and row.failure is None
            row.state = State.RESTING if rests else State.DEPROVISIONED
            row.resting_until = services.now() + plan.RESTS if rests else None
        row.try_at = row.leased_until = None


def _body(services: Services, addon: Addon) -> dict[str, Any]:
    """What a provider is told of an add-on it is to make."""
    platform = services.settings.platform_url
    with services.database.transaction() as tx:
        token = addon_logs.token_of(services, tx, addon.id)
    return {
        "callback_url": f"{platform}/addons/{addon.id}",
        "name": addon.name,
        "oauth_grant": grants.issue(services, addon),
        "options": addon_options.opened(services, addon),
        "plan": addon.plan.short_name,
        "region": REGION,
        "uuid": str(addon.id),
        "log_input_url": f"{platform}/addons/{addon.id}/logs/{token}",
        "log_drain_token": f"d.{addon.id}",
    }


def _claimed(services: Services, addon_id: uuid.UUID) -> Addon | None:
    """The add-on, ours for a minute; None when somebody is at it or there is nothing to do."""
    now = services.now()
    with services.database.transaction() as tx:
        addon = tx.scalar(select(Addon).where(Addon.id == addon_id).with_for_update(of=Addon))
        is_free = addon is not None and (addon.leased_until is None or addon.leased_until < now)
        if addon is None or addon.try_at is None or not is_free:
            return None
        addon.leased_until, addon.attempts = now + LEASE, addon.attempts + 1
        return addon


def _refused(services: Services, addon: Addon, error: KedgeError) -> None:
    reason = getattr(error, "words", None) or error.message
    log.info("addon.refused", addon=addon.name, state=addon.state)
    if addon.state == State.PROVISIONING:
        gave_up(services, addon.id, reason, is_left=not isinstance(error, ProviderRefused))
    else:
        _again(services, addon, reason)


def _again(services: Services, addon: Addon, reason: str) -> None:
    """Try again after a while."""
    now = services.now()
    log.warning("addon.trying_again", addon=addon.name, attempts=addon.attempts, reason=reason)
    with services.database.transaction() as tx:
        row = tx.lock(Addon, addon.id)
        row.leased_until, row.message = None, reason
        row.try_at = now + plan.rest_before_retry(row.attempts)


def _settle(services: Services, addon_id: uuid.UUID) -> None:
    with services.database.transaction() as tx:
        row = tx.lock(Addon, addon_id)
        row.try_at = row.leased_until = None


def begin(services: Services, addon_id: uuid.UUID) -> None:
    """Ask an add-on's provider in a thread of its own: it may take half a minute."""
    with _lock:
        if addon_id in _running:
            _again_wanted.add(addon_id)
            return
        _running.add(addon_id)
    _threads().submit(_run, services, addon_id)


def _run(services: Services, addon_id: uuid.UUID) -> None:
    while True:
        try:
            advance(services, addon_id)
        except Exception:  # the row says what is to be done; the clock takes it up
            log.exception("addon.failed", addon=str(addon_id))
        with _lock:
            if addon_id not in _again_wanted:
                _running.discard(addon_id)
                return
            _again_wanted.discard(addon_id)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ASKED_AT_ONCE, "addon")
