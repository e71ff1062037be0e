"""Releases: a slug and a config become a numbered record, and the record becomes what runs.

`append` is the only way a release is made. The stages it then goes through are moved on by the
dynos' supervisor (`loops/rollout.py`), one small transaction each, so that it can be killed between
any two of them and go on from there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session, lazyload

from kedge.db import Transaction
from kedge.errors import Conflict, InvalidParams, NotEligible, NotFound
from kedge.model.app import App
from kedge.model.config import ConfigSnapshot
from kedge.model.formation import Formation
from kedge.model.release import Change, Release, Stage, Status
from kedge.model.slug import Slug
from kedge.model.tables import Json
from kedge.ops import attached
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.pages import Key, Keys, Page, number, paged
from kedge.ops.services import Services
from kedge.ops.snapshots import seal

GENESIS = "0" * 64
# Changes that take the code there is: nobody asked for it with them.
UNASKED = (Change.CONFIG, Change.ADDON, Change.ADDON_CONFIG)
KEYS: Keys = {
    "version": Key(Release.version, number),
    "id": Key(Release.id, uuid.UUID),
    "seq": Key(Release.version, number),  # a client library's name for it
}


def append(
    services: Services,
    tx: Transaction,
    actor: Actor,
    app: App,
    change: Change,
    description: str,
    *,
    config: ConfigSnapshot,
    slug: Slug | None = None,
    keep_slug: bool = True,
) -> Release:
    """Make the app's next release. The caller holds the app's lock, so numbers have no gap.

    Without a slug the release takes the one that runs: of the newest release on its way out when
    there is one (so that a config change made during a deploy does not undo it), else of head.
    """
    previous = newest(tx, app, or_none=True)
    if slug is None and keep_slug:
        slug = _running_slug(tx, app)
    release = Release(
        id=uuid.uuid4(),
        app_id=app.id,
        version=app.last_version + 1,
        change=change,
        description=description,
        user_id=actor.account_id,
        slug_id=slug.id if slug else None,
        config_id=config.id,
        process_types=slug.process_types if slug else {},
        formation=formation_of(tx, app),
        stack=slug.stack if slug else app.stack,
        addons=attached.listed(services, tx, app),
        created_at=services.now(),
        previous_digest=previous.digest if previous else GENESIS,
        failure=None,
    )
    if release.release_command:
        release.output_id = uuid.uuid4()
    if slug is None:  # nothing to run: it is live as soon as it is written
        release.status, release.stage = Status.SUCCEEDED, Stage.DONE
        app.head_version = release.version
    release.digest = release.seal(
        slug_digest=slug.digest if slug else None, config_digest=config.digest
    )
    tx.add(release)
    app.last_version = release.version
    tx.flush()
    tx.refresh(release)  # with its app, user, slug and config, for whoever shows it
    _announce(services, tx, actor, app, release)
    return release


def rollback(
    services: Services,
    actor: Actor,
    app_identity: str,
    wanted: str | None,
    *,
    seen: int | None = None,
) -> Release:
    """A new release with the slug and config of an earlier one; unnamed, the previous eligible.

    Config vars of add-ons are those of today (`ops/attached.py`).

    `seen` is the newest release whoever asks knew of when they looked at what would change.

    Raises:
        NotFound: the app has no such release.
        NotEligible: it failed, has no code, or is the one that runs.
        Conflict: there are newer releases than the one they saw.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY, lock=True)
        if seen not in (None, app.last_version):
            raise Conflict(
                f"Somebody else has made release v{app.last_version} since you looked, so nothing "
                "was rolled back. Look at what would change now."
            )
        target = find(tx, app, wanted) if wanted else previous_eligible(tx, app)
        check_eligible(app, target)
        description = f"Rollback to v{target.version}"
        config = seal(services, tx, app, attached.effective(services, tx, app, target))
        release = append(
            services, tx, actor, app, Change.ROLLBACK, description, config=config, slug=target.slug
        )
        record(tx, actor, "release.rollback", app, version=release.version, to=target.version)
        return release


def list_releases(services: Services, actor: Actor, app_identity: str, page: Page) -> list[Release]:
    """A page of the app's releases (`KEYS` order it), and one more when there is one.

    They come without their config, which may be 64 KB each.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = _of(app).options(lazyload(Release.config))
        return list(tx.scalars(paged(query, page, KEYS, Release.id)))


def show(services: Services, actor: Actor, app_identity: str, identity: str) -> Release:
    """A release by number, by id, or `current`. Raises as `find` does."""
    with services.database.transaction() as tx:
        return find(tx, find_app(tx, actor, app_identity, Action.VIEW), identity)


def check_eligible(app: App, target: Release) -> None:
    """Raises NotEligible, with the reason, when one may not go back to this release."""
    reason = None
    if target.status == Status.FAILED:
        reason = "it failed"
    elif target.status == Status.PENDING:
        reason = "it is still on its way out"
    elif target.slug_id is None:
        reason = "it has no code: nothing had been deployed yet"
    elif target.version == app.head_version:
        reason = "it is what runs now"
    if reason:
        raise NotEligible(
            f"Cannot roll back {app.name} to v{target.version}: {reason}. "
            "`kedge releases` shows which releases one can go back to.",
            resource="release",
        )


def previous_eligible(tx: Session, app: App) -> Release:
    """The newest release before head that one may go back to. Raises NotEligible."""
    query = (
        select(Release)
        .where(Release.app_id == app.id, Release.version < (app.head_version or 0))
        .where(Release.slug_id.is_not(None), Release.status == Status.SUCCEEDED)
        .order_by(Release.version.desc())
        .limit(1)
    )
    found = tx.scalar(query)
    if found is None:
        raise NotEligible(
            f"{app.name} has no earlier release to roll back to: `kedge releases` shows them.",
            resource="release",
        )
    return found


def newest(tx: Session, app: App, *, or_none: bool = False) -> Release:
    """The release of the highest number, failed or not; its config is the app's."""
    found = tx.scalar(_of(app).order_by(Release.version.desc()).limit(1))
    if found is None and not or_none:
        raise NotFound.of("release")
    return found  # type: ignore[return-value]  # None only where the caller asked for it


def head(tx: Session, app: App) -> Release | None:
    """The newest release that went live."""
    if app.head_version is None:
        return None
    return tx.scalar(_of(app).where(Release.version == app.head_version))


def is_head(release: type[Release]) -> ColumnElement[bool]:
    """A condition between an app and a release, for joins: it is the newest that went live."""
    return and_(release.app_id == App.id, release.version == App.head_version)


def running_types(tx: Session, app: App) -> Mapping[str, str] | None:
    """The process types of the code that runs, with their commands; None while there is no code."""
    query = select(Release.process_types).where(
        Release.app_id == app.id, Release.version == app.head_version, Release.slug_id.is_not(None)
    )
    return tx.scalar(query)


def find(tx: Session, app: App, identity: str) -> Release:
    """A release by number (`7`, `v7`), by id, or `current`.

    Raises:
        NotFound: the app has none such.
        InvalidParams: not a number or id at all.
    """
    if identity == "current":
        identity = str(app.head_version or app.last_version)
    number = identity.removeprefix("v")
    if number.isdecimal() and len(number) < 10:
        condition = Release.version == int(number)
    else:
        try:
            condition = Release.id == uuid.UUID(identity)
        except ValueError:
            raise InvalidParams(
                f"{identity!r} is not a release: name one as v12 or by id."
            ) from None
    found = tx.scalar(_of(app).where(condition))
    if found is None:
        raise NotFound.of("release")
    return found


def formation_of(tx: Session, app: App) -> Json:
    """The formation as a release notes it: `{"web": {"quantity": 2, "size": "Standard-1X"}}`."""
    rows = tx.scalars(select(Formation).where(Formation.app_id == app.id).order_by(Formation.type))
    return {row.type: {"quantity": row.quantity, "size": row.size} for row in rows}


# --- the stages, moved on by the dynos' supervisor ---------------------------------------------


def succeed(services: Services, tx: Transaction, app: App, release: Release) -> None:
    """The release is live: it is the app's head from now on."""
    release.status, release.stage = Status.SUCCEEDED, Stage.DONE
    app.head_version = release.version
    app.released_at = services.now()
    services.wake_app(tx, app.id)


def fail(services: Services, tx: Transaction, app: App, release: Release, failure: Json) -> None:
    """The release did not come up; the one before goes on serving.

    Config changes that were made while it was on its way out had taken its code. They are made
    again with the code that runs, as one release, so that no change is lost with it.
    """
    release.status, release.stage, release.failure = Status.FAILED, Stage.DONE, failure
    services.say(tx, app.id, f"Release v{release.version} failed: {failure['reason']}")
    _rebase(services, tx, app, release)
    services.wake_app(tx, app.id)


def expire(release: Release) -> None:
    """A newer release made this one unnecessary before its roll-out began."""
    release.status, release.stage = Status.EXPIRED, Stage.DONE


def _rebase(services: Services, tx: Transaction, app: App, failed: Release) -> None:
    """Only where the newest of what waits took the failed code without being asked to.

    Whatever was deployed or rolled back to since then takes its own turn, and a config change
    after it has taken that one's code.
    """
    live = head(tx, app)
    if live is not None and live.slug_id == failed.slug_id:
        return
    query = _of(app).where(Release.version > failed.version, Release.status == Status.PENDING)
    pending = list(tx.scalars(query.order_by(Release.version)))
    followers = [release for release in pending if release.slug_id == failed.slug_id]
    if not followers or followers[-1] is not pending[-1]:
        return
    if any(release.change not in UNASKED for release in followers):
        return  # the same code was asked for again
    for follower in followers:
        expire(follower)
    tx.flush()
    last = followers[-1]
    actor = Actor(last.user_id, last.user.email, is_owner=False)
    append(services, tx, actor, app, Change(last.change), last.description, config=last.config)


def _running_slug(tx: Session, app: App) -> Slug | None:
    pending = (
        _of(app)
        .where(Release.status == Status.PENDING, Release.slug_id.is_not(None))
        .order_by(Release.version.desc())
        .limit(1)
    )
    base = tx.scalar(pending) or head(tx, app)
    return base.slug if base else None


def _of(app: App) -> Select[Release]:
    return select(Release).where(Release.app_id == app.id)


def _announce(
    services: Services, tx: Transaction, actor: Actor, app: App, release: Release
) -> None:
    lines = [
        f"{release.description} by user {actor.email}",
        f"Release v{release.version} created by user {actor.email}",
    ]
    services.say(tx, app.id, *lines)
    services.wake_app(tx, app.id)
