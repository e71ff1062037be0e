"""The record of an app's releases: what differs between two, and whether any was altered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, lazyload

from kedge.model.app import App
from kedge.model.config import ConfigSnapshot, canonical
from kedge.model.release import Release
from kedge.model.slug import Slug
from kedge.ops import attached, releases
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services
from kedge.ops.snapshots import digest_key, unseal
from kedge.vault import Sealed, keyed_digest


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing by name, before and after; None on the side where it is missing."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A config var that differs. Its values are never told."""

    key: str
    change: Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs from one release to another."""

    from_version: int
    to_version: int
    code: Pair
    is_same_code: bool
    config: tuple[ConfigChange, ...]
    process_types: tuple[Pair, ...]
    formation: tuple[Pair, ...]
    stack: Pair


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether all releases are as they were made; else the first that is not, and why."""

    verified: bool
    releases: int
    broken_at: int | None = None
    reason: str | None = None


def diff(
    services: Services, actor: Actor, app_identity: str, old: str | None, new: str | None
) -> Difference:
    """What differs from release `old` to release `new` (the newest; the one before it).

    Raises:
        NotFound: the app has no such release.
        InvalidParams: not a release's number or id at all.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        after = releases.find(tx, app, new) if new else releases.newest(tx, app)
        before = releases.find(tx, app, old or str(max(after.version - 1, 1)))
        configs = [unseal(services, each.config) for each in (before, after)]
    return Difference(
        from_version=before.version,
        to_version=after.version,
        code=Pair("code", *_codes(before.slug, after.slug)),
        is_same_code=_digest(before.slug) == _digest(after.slug),
        config=config_changes(*configs),
        process_types=pairs(before.process_types, after.process_types),
        formation=pairs(_quantities(before), _quantities(after)),
        stack=Pair("stack", before.stack, after.stack),
    )


def rollback(services: Services, actor: Actor, app_identity: str, target: str) -> Difference:
    """What a rollback to a release would change of what runs. Raises NotFound.

    Formation and the config vars of add-ons stay as they are now (`ops/attached.py`).
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        after = releases.find(tx, app, target)
        before = releases.find(tx, app, str(app.head_version or after.version))
        now = unseal(services, before.config)
        then = attached.effective(services, tx, app, after)
    return Difference(
        from_version=before.version,
        to_version=after.version,
        code=Pair("code", *_codes(before.slug, after.slug)),
        is_same_code=_digest(before.slug) == _digest(after.slug),
        config=config_changes(now, then),
        process_types=pairs(before.process_types, after.process_types),
        formation=(),
        stack=Pair("stack", before.stack, after.stack),
    )


def config_changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[ConfigChange, ...]:
    """The keys that differ, by name."""
    return tuple(ConfigChange(pair.name, _kind(pair)) for pair in pairs(old, new))


def pairs(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Pair, ...]:
    """What differs between two mappings, by name."""
    return tuple(
        Pair(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def verify(services: Services, actor: Actor, app_identity: str) -> Verification:
    """Whether every release of the app is there and holds what it was made with.

    Each release's digest is made again from what it holds and from its predecessor's digest; the
    config's from the decrypted config vars.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        # Read first: a release then finds its snapshot in the session, without a query of its own.
        snapshots = list(tx.scalars(select(ConfigSnapshot).where(ConfigSnapshot.app_id == app.id)))
        chain = list(tx.scalars(_chain(app)))
        return _verified(app, chain, _broken_configs(services, tx, snapshots))


def _verified(app: App, chain: list[Release], broken_configs: set[uuid.UUID]) -> Verification:
    previous_digest = releases.GENESIS
    for version, release in enumerate(chain, 1):
        reason = _fault(release, version, previous_digest, broken_configs)
        if reason:
            return Verification(False, len(chain), version, reason)
        previous_digest = release.digest
    if len(chain) < app.last_version:
        reason = f"v{len(chain) + 1} is missing"
        return Verification(False, len(chain), len(chain) + 1, reason)
    return Verification(True, len(chain))


def _fault(
    release: Release, version: int, previous_digest: str, broken_configs: set[uuid.UUID]
) -> str | None:
    if release.version != version:
        return f"v{version} is missing"
    if release.previous_digest != previous_digest:
        return "the release before it is not the one it was made after"
    slug_digest = _digest(release.slug)
    seal = release.seal(slug_digest=slug_digest, config_digest=release.config.digest)
    if seal != release.digest:
        return "what it holds is not what it was made with"
    if release.config_id in broken_configs:
        return "its config vars are not those it was made with"
    return None


def _broken_configs(
    services: Services, tx: Session, snapshots: list[ConfigSnapshot]
) -> set[uuid.UUID]:
    """Ids of the snapshots whose config vars are not those their digest was made of."""
    key = digest_key(services, tx)
    return {each.id for each in snapshots if not _is_whole(services, key, each)}


def _is_whole(services: Services, key: bytes, snapshot: ConfigSnapshot) -> bool:
    try:
        config = unseal(services, snapshot)
    except Sealed:
        return False
    return keyed_digest(key, canonical(config)) == snapshot.digest


def _chain(app: App) -> Select[Release]:
    query = select(Release).where(Release.app_id == app.id).order_by(Release.version)
    return query.options(lazyload(Release.config))


def _kind(pair: Pair) -> Literal["added", "removed", "changed"]:
    if pair.old is None:
        return "added"
    return "removed" if pair.new is None else "changed"


def _codes(old: Slug | None, new: Slug | None) -> tuple[str | None, str | None]:
    """Commits, and slugs too where two builds of one commit differ."""
    names = [_commit(old), _commit(new)]
    if names[0] == names[1] and _digest(old) != _digest(new):
        names = [f"{_commit(each)} (slug {str(_digest(each))[:8]})" for each in (old, new)]
    return names[0], names[1]


def _commit(slug: Slug | None) -> str | None:
    return (slug.commit or slug.digest)[:8] if slug else None


def _digest(slug: Slug | None) -> str | None:
    return slug.digest if slug else None


def _quantities(release: Release) -> dict[str, str]:
    return {name: f"{row['quantity']} x {row['size']}" for name, row in release.formation.items()}
