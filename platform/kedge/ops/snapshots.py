"""Config snapshots: an app's config vars sealed for one of its releases, and opened again."""

from __future__ import annotations

import json
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kedge.model.app import App
from kedge.model.config import Config, ConfigSnapshot, canonical
from kedge.model.key import PlatformKey
from kedge.ops.services import Services
from kedge.vault import keyed_digest

DIGEST_KEY = "config digest"


def unseal(services: Services, snapshot: ConfigSnapshot) -> Config:
    """The config vars of a snapshot."""
    plain = services.vault.open(snapshot.sealed, snapshot_context(snapshot.app_id))
    config: Config = json.loads(plain)
    return config


def seal(services: Services, tx: Session, app: App, config: Config) -> ConfigSnapshot:
    """The snapshot of these config vars: one the app has already, or a new one."""
    plain = canonical(config)
    digest = keyed_digest(digest_key(services, tx), plain)
    query = select(ConfigSnapshot).where(
        ConfigSnapshot.app_id == app.id, ConfigSnapshot.digest == digest
    )
    found = tx.scalar(query)
    if found is None:
        sealed = services.vault.seal(plain, snapshot_context(app.id))
        found = ConfigSnapshot(app_id=app.id, digest=digest, sealed=sealed)
        tx.add(found)
        tx.flush()
    return found


def digest_key(services: Services, tx: Session) -> bytes:
    """The key config digests are made with. It survives key rotations, so digests stay equal."""
    row = tx.get(PlatformKey, DIGEST_KEY)
    if row is None:
        sealed = services.vault.seal(services.mint().encode(), DIGEST_KEY)
        made = insert(PlatformKey).values(name=DIGEST_KEY, sealed=sealed)
        tx.execute(made.on_conflict_do_nothing())  # two apps may be the first at once
        row = tx.get_one(PlatformKey, DIGEST_KEY)
    return services.vault.open(row.sealed, DIGEST_KEY)


def snapshot_context(app_id: uuid.UUID) -> str:
    """What an app's config snapshots are sealed for."""
    return f"config of {app_id}"
