"""Builds: a source becomes a slug, and the slug a release.

Builds of one app run one after the other, of different apps side by side: `build_queue` says whose
turn it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from kedge.db import Transaction
from kedge.engine.protocols import Builder, BuildSpec, Built
from kedge.errors import (
    BuildCancelled,
    Conflict,
    InvalidParams,
    KedgeError,
    NotFound,
)
from kedge.ids import as_uuid
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.release import Change, Release
from kedge.model.slug import Slug
from kedge.ops import formations, outputs, releases, slugs, snapshots, sources
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.build_queue import claim, end_failed, enqueue, hand_on
from kedge.ops.buildpacks import check as check_buildpack
from kedge.ops.heart import beating
from kedge.ops.pages import Key, Keys, Page, moment, paged
from kedge.ops.screen import Screen
from kedge.ops.services import Services

log = structlog.get_logger()
KEYS: Keys = {
    "created_at": Key(Build.created_at, moment, is_unique=False),
    "id": Key(Build.id, uuid.UUID),
}
ATTENDANCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """Where a build's source is: an uploaded one by id, or an archive at a URL.

    Of a push, also the branch that is to name its `version`, and what it names before.
    """

    id: uuid.UUID | None = None
    url: str | None = None
    version: str | None = None
    version_description: str | None = None
    checksum: str | None = None
    commit_time: int = 0
    ref: str | None = None
    ref_before: str | None = None


def start(
    services: Services,
    actor: Actor,
    app_identity: str,
    source: SourceRef,
    *,
    buildpacks: list[str] | None = None,
    attended: bool = False,
) -> Build:
    """Have a source built. An attended build is cancelled when nobody says `attend` any more.

    Raises:
        InvalidParams: no source, or an unknown buildpack.
    """
    if not source.id and not source.url:
        raise InvalidParams("A build needs source_blob.url: an archive's address, or a get_url.")
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY, lock=True)
        build = Build(
            id=uuid.uuid4(),
            app_id=app.id,
            user_id=actor.account_id,
            source_id=source.id,
            source_url=source.url,
            source_version=source.version,
            source_version_description=source.version_description,
            source_checksum=source.checksum,
            commit_time=source.commit_time or int(services.now().timestamp()),
            ref=source.ref,
            ref_before=source.ref_before,
            stack=app.stack,
            buildpacks=[check_buildpack(name) for name in buildpacks or app.buildpacks],
            attended_until=services.now() + ATTENDANCE if attended else None,
            enqueued_at=services.now(),
        )
        tx.add(build)
        tx.flush()
        tx.refresh(build)
        record(tx, actor, "build.create", app, build=str(build.id), version=source.version)
        services.say(tx, app.id, f"Build started by user {actor.email}")
        outputs.open_in(tx, app.id, build.output_id)
        tx.after_commit(lambda: enqueue(services, build.id))
        return build


def attend(services: Services, build_id: uuid.UUID) -> Build:
    """Say that somebody still waits for the build; the build as it stands.

    Raises:
        NotFound: it is gone with its app.
    """
    with services.database.transaction() as tx:
        build = tx.get(Build, build_id)
        if build is None:
            raise NotFound.of("build", "The app was destroyed meanwhile.")
        build.attended_until = services.now() + ATTENDANCE
        return build


def list_builds(
    services: Services, actor: Actor, app_identity: str, page: Page
) -> list[tuple[Build, uuid.UUID | None]]:
    """A page of the app's builds (`KEYS` order it) with the ids of the releases they made."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = _with_release().where(Build.app_id == app.id)
        return [(row[0], row[1]) for row in tx.execute(paged(query, page, KEYS, Build.id))]


def find(
    services: Services, actor: Actor, app_identity: str, build_id: str
) -> tuple[Build, uuid.UUID | None]:
    """A build by id, with the id of the release it made, if any. Raises NotFound."""
    with services.database.transaction() as tx:
        build = _find(tx, find_app(tx, actor, app_identity, Action.VIEW), build_id)
        found = tx.execute(_with_release().where(Build.id == build.id)).one()
        return found[0], found[1]


def cancel(services: Services, actor: Actor, app_identity: str, build_id: str) -> Build:
    """End a build that waits or runs: its containers are killed.

    Raises:
        Conflict: it has ended already.
    """
    with services.database.transaction() as tx:
        # Locked, as `claim` does: a build that begins in this very moment has its lease.
        app = find_app(tx, actor, app_identity, Action.DEPLOY, lock=True)
        build = _find(tx, app, build_id)
        if build.status != "pending":
            raise Conflict(f"The build has already {build.status}.", resource="build")
        request_cancel(services, tx, build)
        record(tx, actor, "build.cancel", app, build=build_id)
        return build


def forget_cache(services: Services, actor: Actor, app_identity: str) -> None:
    """Have the app's next build begin without what earlier ones kept. Raises QueueDown."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        record(tx, actor, "build_cache.destroy", app)
    services.queue.forget_cache(app.id)


def request_cancel(services: Services, tx: Transaction, build: Build) -> None:
    """Ask whoever runs the build to end it; one that nobody runs yet ends at once."""
    build.cancel_requested_at = services.now()
    if build.lease_until is None:
        end_failed(services, tx, build, "The build was cancelled before it began.")


# --- in the worker -----------------------------------------------------------------------------


def run(services: Services, builder: Builder, build_id: uuid.UUID) -> None:
    """Run one build to its end, when it is its turn; otherwise whoever runs now hands on."""
    build = claim(services, build_id)
    if build is None:
        return
    try:
        _run_claimed(services, builder, build)
    finally:
        outputs.finish(services, build.output_id)
        hand_on(services, build.app_id)


def _run_claimed(services: Services, builder: Builder, build: Build) -> None:
    with services.database.transaction() as tx:
        app = tx.get_one(App, build.app_id)
        config = snapshots.unseal(services, releases.newest(tx, app).config)
    screen = Screen(services, build.output_id, config)
    try:
        with beating(services, build.id) as heart:
            spec = _spec(services, build, app, config)
            heart.check()
            built = builder.build(spec, screen.show, heart.is_cancelled)
            screen.flush()
            _release(services, build, built)
    except KedgeError as error:
        _refuse(services, build, screen, error.message)
    except Exception as error:  # whatever broke, the app must be able to build again
        log.exception("build.broke", build=str(build.id), error=type(error).__name__)
        words = "Something went wrong inside Kedge; the worker's log has the details. Push again."
        _refuse(services, build, screen, words)
    finally:
        screen.flush()


def _refuse(services: Services, build: Build, screen: Screen, reason: str) -> None:
    reason = screen.scrubbed(reason)
    screen.show(f"\n !     {reason}\n".encode())
    screen.flush()
    with services.database.transaction() as tx:
        if tx.get(Build, build.id) is not None:  # its app may have been destroyed meanwhile
            end_failed(services, tx, tx.lock(Build, build.id), reason, is_shown=True)


def _spec(services: Services, build: Build, app: App, config: Mapping[str, str]) -> BuildSpec:
    source = sources.obtain(services, build)
    with services.database.transaction() as tx:
        query = select(Slug.layers).where(Slug.app_id == app.id).order_by(Slug.created_at.desc())
        recent = [layer["digest"] for layers in tx.scalars(query.limit(5)) for layer in layers]
    return BuildSpec(
        build_id=build.id,
        app_id=app.id,
        app_name=app.name,
        stack=build.stack,
        buildpacks=tuple(build.buildpacks),
        source=source,
        source_version=build.source_version or "",
        commit_time=build.commit_time,
        env=config,
        known_layers=tuple(digest for digest in recent if services.slugs.has(digest)),
    )


def _release(services: Services, build: Build, built: Built) -> None:
    """The slug, its release, the build's success and its last words, all or nothing."""
    actor = Actor(build.user_id, build.user.email, is_owner=True)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, build.app_id, Action.DEPLOY, lock=True)
        current = tx.lock(Build, build.id)
        if current.status != "pending" or current.cancel_requested_at:
            raise BuildCancelled("The build was cancelled.")
        slug = slugs.keep(tx, current, built)
        formations.declare(tx, app, built.process_types)
        description = f"Deploy {(build.source_version or str(build.id))[:8]}"
        release = releases.append(
            services, tx, actor, app, Change.DEPLOY, description,
            config=releases.newest(tx, app).config, slug=slug,
        )  # fmt: skip
        current.status, current.slug_id = "succeeded", slug.id
        current.release_version, current.lease_until = release.version, None
        app.slug_bytes, app.buildpack_description = slug.stored_bytes, built.description
        services.say(tx, app.id, "Build succeeded")
        words = f"-----> Launching...\n       Released v{release.version}\n"
        outputs.close_in(services, tx, build.output_id, words.encode())


def _with_release() -> Select[Build, uuid.UUID]:
    made = and_(Release.app_id == Build.app_id, Release.version == Build.release_version)
    return select(Build, Release.id).outerjoin(Release, made)


def _find(tx: Session, app: App, build_id: str) -> Build:
    known = as_uuid(build_id)
    found = tx.get(Build, known) if known else None
    if found is None or found.app_id != app.id:
        raise NotFound.of("build")
    return found
