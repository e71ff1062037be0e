"""How far a roll-out has come, for whoever waits for it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from sqlalchemy import select

from kedge.errors import NotFound
from kedge.model.build import Build
from kedge.model.dyno import Dyno, State
from kedge.model.release import Release, Status
from kedge.ops import view
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.dynos import SHOWN
from kedge.ops.services import Services, app_topic
from kedge.plan import rollout

POLL_SECONDS = 0.25
WAIT_LIMIT_SECONDS = 55.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """`is_settled`: what runs is what is wanted, or nothing more will be tried for it."""

    is_settled: bool
    head: int | None
    coming: Release | None
    dynos: tuple[Dyno, ...]
    last_failure: Release | None


def release_state(services: Services, app_id: uuid.UUID, version: int) -> Release:
    """A release of an app as it stands. Raises NotFound when the app is gone."""
    query = select(Release).where(Release.app_id == app_id, Release.version == version)
    with services.database.transaction() as tx:
        found = tx.scalar(query)
    if found is None:
        raise NotFound.of("release", "The app was destroyed meanwhile.")
    return found


def later(services: Services, release: Release, *, same_slug: bool = False) -> Release | None:
    """The first release after this one that has not expired, of the same slug if so asked."""
    query = (
        select(Release)
        .where(Release.app_id == release.app_id, Release.version > release.version)
        .where(Release.status != Status.EXPIRED)
        .order_by(Release.version)
        .limit(1)
    )
    if same_slug:
        query = query.where(Release.slug_id == release.slug_id)
    with services.database.transaction() as tx:
        return tx.scalar(query)


def fate(services: Services, build: Build) -> str:
    """What became of a build's code: `pending`, `succeeded` (it went live) or `failed`.

    Of code that was superseded before its turn came: `succeeded`, as it was in order.
    """
    if build.status != "succeeded" or build.release_version is None:
        return build.status
    release = release_state(services, build.app_id, build.release_version)
    while release.status == Status.EXPIRED:
        heir = later(services, release, same_slug=True)
        if heir is None:
            return Status.SUCCEEDED
        release = heir
    return release.status


def dynos_of(services: Services, app_id: uuid.UUID, version: int) -> list[Dyno]:
    """The formation's dynos of a release that have not ended."""
    query = (
        select(Dyno)
        .join(Release, Dyno.release_id == Release.id)
        .where(Dyno.app_id == app_id, Release.version == version, Dyno.kind == "dyno")
        .where(Dyno.state != State.ENDED)
        .order_by(Dyno.type, Dyno.ordinal)
    )
    with services.database.transaction() as tx:
        return list(tx.scalars(query))


def watch(services: Services, actor: Actor, app_identity: str, wait_seconds: float) -> Rollout:
    """The app's roll-out, as soon as it is settled or after `wait_seconds` at most."""
    deadline = time.monotonic() + min(max(wait_seconds, 0.0), WAIT_LIMIT_SECONDS)
    while True:
        app_id, found = _look(services, actor, app_identity)
        left = deadline - time.monotonic()
        if found.is_settled or left <= 0:
            return found
        services.wakes.wait(app_topic(app_id), min(POLL_SECONDS, left))


def _look(services: Services, actor: Actor, app_identity: str) -> tuple[uuid.UUID, Rollout]:
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        rows = view.load(tx, app.id)
        newest = tx.scalar(
            select(Release)
            .where(Release.app_id == app.id, Release.status == Status.FAILED)
            .where(Release.version > (app.head_version or 0))
            .order_by(Release.version.desc())
            .limit(1)
        )
    if rows is None:  # destroyed between the two reads
        return app.id, Rollout(True, None, None, (), None)
    seen = view.rollout_view(rows, services.now())
    coming = rollout.coming_release(seen)
    by_version = {release.version: release for release in rows.pending}
    return app.id, Rollout(
        is_settled=rollout.is_settled(seen),
        head=app.head_version,
        coming=by_version.get(coming.version) if coming else None,
        dynos=tuple(dyno for dyno in rows.of_formation() if dyno.state in SHOWN),
        last_failure=newest,
    )
