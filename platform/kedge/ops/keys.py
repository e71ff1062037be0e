"""The rotation of the master key: everything kept encrypted is sealed again with a new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from kedge.errors import Conflict, Forbidden
from kedge.model.account import Account
from kedge.model.addon import Addon, AddonService
from kedge.model.config import ConfigSnapshot
from kedge.model.dyno import Dyno, State
from kedge.model.key import PlatformKey
from kedge.ops import addon_options
from kedge.ops.addon_services import manifest_context
from kedge.ops.attached import config_context
from kedge.ops.authorize import Actor, record
from kedge.ops.dynos import env_context
from kedge.ops.services import Services
from kedge.ops.snapshots import snapshot_context
from kedge.ops.two_factor import totp_context
from kedge.vault import ID_BYTES, Sealed, new_key

log = structlog.get_logger()
BATCH_ROWS = 100
LOCK = "keys:rotate"


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many values were sealed again; `unreadable` ones, which no key opens, stay."""

    config_snapshots: int
    platform_keys: int
    dynos: int
    second_factors: int
    addons: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where sealed values lie: rows by `key`, the value in `sealed`, and what it is sealed for."""

    key: InstrumentedAttribute[Any]
    sealed: InstrumentedAttribute[Any]
    context: Callable[[Any], str]
    only: tuple[Any, ...] = ()


_SNAPSHOTS = _Place(
    ConfigSnapshot.id, ConfigSnapshot.sealed, lambda row: snapshot_context(row.app_id)
)
_PLATFORM_KEYS = _Place(PlatformKey.name, PlatformKey.sealed, lambda row: str(row.name))
_DYNOS = _Place(
    Dyno.id,
    Dyno.sealed_env,
    lambda row: env_context(row.id),
    (Dyno.state != State.ENDED, Dyno.sealed_env.is_not(None)),
)
_SECOND_FACTORS = _Place(
    Account.id,
    Account.totp_sealed,
    lambda row: totp_context(row.id),
    (Account.totp_sealed.is_not(None),),
)
_MANIFESTS = _Place(AddonService.id, AddonService.sealed, lambda row: manifest_context(row.id))
_ADDON_CONFIGS = _Place(
    Addon.id,
    Addon.sealed_config,
    lambda row: config_context(row.id),
    (Addon.sealed_config.is_not(None),),
)
_ADDON_OPTIONS = _Place(
    Addon.id,
    Addon.sealed_options,
    lambda row: addon_options.context(row.id),
    (Addon.sealed_options.is_not(None),),
)
_ADDONS = (_MANIFESTS, _ADDON_CONFIGS, _ADDON_OPTIONS)
_PLACES = (_SNAPSHOTS, _PLATFORM_KEYS, _DYNOS, _SECOND_FACTORS, *_ADDONS)


def rotate(services: Services, actor: Actor) -> Rotation:
    """Make a new key and seal everything with it; earlier keys go on opening (backups need them).

    With KEDGE_SECRET_KEY set the keys are the operator's: the new one is put first in it, and this
    seals everything with that. Called again after a failure, it goes on where it stopped.

    Raises:
        Forbidden: not the installation's owner.
        Conflict: another rotation is going on.
    """
    if not actor.is_owner:
        raise Forbidden("Only the installation's owner may rotate its keys.")
    with services.database.advisory_lock(LOCK, wait=False) as lock:
        if not lock.held:
            raise Conflict("The keys are being rotated already. Wait until that has ended.")
        if not services.settings.secret_key:
            prepend_key(services.settings.home / "secret.key")
        services.vault.reload()
        done = [_reseal(services, place) for place in _PLACES]
        with services.database.transaction() as tx:
            record(tx, actor, "keys.rotate", resealed=sum(resealed for resealed, _ in done))
    snapshots, platform_keys, dynos, second_factors, *addons = (resealed for resealed, _ in done)
    unreadable = sum(unreadable for _, unreadable in done)
    return Rotation(snapshots, platform_keys, dynos, second_factors, sum(addons), unreadable)


def prepend_key(key_file: Path) -> None:
    """Put a new key first into the file: whole or not at all, readable for its owner only."""
    part = key_file.with_name(f"{key_file.name}.new")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{new_key()}\n{key_file.read_text()}")
        file.flush()
        os.fsync(file.fileno())
    part.replace(key_file)


def _reseal(services: Services, place: _Place) -> tuple[int, int]:
    """How many values were sealed again, and how many could not be opened."""
    resealed = unreadable = 0
    last: Any = None
    while True:
        with services.database.transaction() as tx:
            rows = _batch(tx, place, services.vault.newest_id, last)
            for row in rows:
                if _reseal_row(services, place, row):
                    resealed += 1
                else:
                    unreadable += 1
        if not rows:
            return resealed, unreadable
        last = getattr(rows[-1], place.key.key)


def _batch(tx: Session, place: _Place, newest_id: bytes, last: Any) -> list[Any]:
    query = (
        select(place.key.class_)
        .where(func.substr(place.sealed, 1, ID_BYTES) != newest_id, *place.only)
        .order_by(place.key)
        .limit(BATCH_ROWS)
        .with_for_update(of=place.key.class_)
    )
    if last is not None:
        query = query.where(place.key > last)
    return list(tx.scalars(query))


def _reseal_row(services: Services, place: _Place, row: Any) -> bool:
    context = place.context(row)
    try:
        plain = services.vault.open(getattr(row, place.sealed.key), context)
    except Sealed:
        log.warning(
            "keys.unreadable", table=row.__tablename__, row=str(getattr(row, place.key.key))
        )
        return False
    setattr(row, place.sealed.key, services.vault.seal(plain, context))
    return True
