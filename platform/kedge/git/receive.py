"""A push becomes a source, and stays until the release it leads to is live or has failed.

This is where the one flow begins: push → **source** → build → slug → release → rollout → route.
The ref moves only when all of it went well, so that what is pushed is what runs; `settle.py` moves
it when nobody was there any more to do so.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from kedge.db import AdvisoryLock
from kedge.engine.git import Commit, Quarantine
from kedge.engine.git_acceptance import keep_objects
from kedge.errors import (
    BuildCancelled,
    BuildFailed,
    BuildRefused,
    Conflict,
    KedgeError,
    Unavailable,
)
from kedge.git.settle import place_name
from kedge.model.build import Build
from kedge.model.dyno import State
from kedge.model.release import Release, Status
from kedge.ops import builds, outputs, rollouts, sources
from kedge.ops.authorize import Actor
from kedge.ops.rollouts import dynos_of, release_state
from kedge.ops.services import Services, app_topic
from kedge.plan.push import Update, judge

log = structlog.get_logger()
GONE_SECONDS = 1.0
ATTEND_SECONDS = 3.0
WAIT_FOR_TURN_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Push:
    """A push as its hook handed it over. `show` writes to the pusher's screen.

    `is_gone` tells whether the pusher is still there to read it.
    """

    actor: Actor
    app_id: uuid.UUID
    app_name: str
    repository: Path
    updates: Sequence[Update]
    environment: Mapping[str, str]
    show: Callable[[str], None]
    is_gone: Callable[[], bool]


@contextmanager
def turn(services: Services, push: Push) -> Iterator[AdvisoryLock]:
    """Hold the app's one place for a push, from here to the ref's move.

    It is lost when the database goes away meanwhile: ask it before git is let go on.

    Raises:
        Conflict: another push held it for too long.
        BuildCancelled: the pusher went away while waiting.
    """
    deadline = time.monotonic() + WAIT_FOR_TURN_SECONDS
    with services.database.advisory_lock(place_name(push.app_id), wait=False) as lock:
        if not lock.held:
            push.show("Another push to this app, or its repository's upkeep, is running; waiting "
                      "for it to end...\n")  # fmt: skip
        while not lock.held:
            if push.is_gone():
                raise BuildCancelled("The pusher went away.")
            if time.monotonic() > deadline:
                raise Conflict(
                    "Another push to this app is still running. Push again when it has ended."
                )
            time.sleep(0.5)
            lock.take(wait=False)
        yield lock


def receive(services: Services, push: Push, place: AdvisoryLock) -> bool:
    """See a push through; whether git may move its refs. Says everything on the pusher's screen."""
    verdict = judge(push.updates)
    for remark in verdict.remarks:
        push.show(f"{remark}\n")
    try:
        if verdict.refusal:
            raise BuildFailed(verdict.refusal)
        if verdict.deploy:
            _deploy(services, push, verdict.deploy)
        if not place.is_alive():
            raise Unavailable(
                "Kedge's database was away, and another push may have begun. If this one goes live "
                "all the same, your next fetch shows it; else push again."
            )
    except KedgeError as error:
        _refuse(push, error)
        return False
    return True


def _deploy(services: Services, push: Push, update: Update) -> None:
    quarantine = Quarantine(push.repository, push.environment)
    try:
        if quarantine.ref(update.ref) != update.old:
            raise BuildFailed("Another push moved the branch meanwhile. Fetch it, then push again.")
        commit = quarantine.commit(update.new)
        if kept := push.environment.get("GIT_QUARANTINE_PATH"):
            keep_objects(push.repository, Path(kept))
        source_id = _keep_source(services, push, quarantine, commit)
    finally:
        quarantine.close()
    push.show("Building source:\n\n")
    source = builds.SourceRef(
        id=source_id,
        version=commit.sha,
        version_description=commit.subject,
        commit_time=commit.time,
        ref=update.ref,
        ref_before=update.old,
    )
    build = builds.start(services, push.actor, str(push.app_id), source, attended=True)
    build = _follow_build(services, push, build)
    if build.status != "succeeded":
        raise Shown(build.failure or "The build failed.")
    _follow_release(services, push, build)


def _keep_source(
    services: Services, push: Push, quarantine: Quarantine, commit: Commit
) -> uuid.UUID:
    """Put the commit's tree where the worker finds it."""
    push.show("Compressing source files... ")
    if paths := quarantine.submodules(commit.sha):
        raise BuildFailed(
            f"The commit has a submodule at {paths[0]}, whose code is not in the push. Put it into "
            "the repository itself, for example with git subtree, or install it as a dependency."
        )
    source_id = sources.keep(
        services, push.app_id, lambda target: quarantine.archive(commit.sha, target)
    )
    push.show("done.\n")
    return source_id


def _follow_build(services: Services, push: Push, build: Build) -> Build:
    """Show the build's output to its end."""
    with _attended(services, push, build.id):
        for payload in outputs.follow(services, build.output_id):
            if push.is_gone():
                _cancel(services, push, build.id)
                raise BuildCancelled("The pusher went away.")
            push.show(payload.decode("utf-8", "replace"))
            if not payload and builds.attend(services, build.id).status != "pending":
                break  # its worker was killed between the build's end and its output's
    return builds.attend(services, build.id)


@contextmanager
def _attended(services: Services, push: Push, build_id: uuid.UUID) -> Iterator[None]:
    """Say all the while that somebody waits for the build, as long as there is somebody.

    By a thread of its own: a pusher whose terminal is stopped (Ctrl-S) takes no output, and waits.
    """
    over = threading.Event()

    def attend() -> None:
        next_at = 0.0
        while not over.wait(GONE_SECONDS):
            try:
                if push.is_gone():
                    _cancel(services, push, build_id)
                    return
                if time.monotonic() >= next_at:
                    builds.attend(services, build_id)
                    next_at = time.monotonic() + ATTEND_SECONDS
            except KedgeError as error:  # the database may be back in a moment
                log.warning("push.not_attended", app=push.app_name, reason=error.message)

    thread = threading.Thread(target=attend, name="attendance", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _cancel(services: Services, push: Push, build_id: uuid.UUID) -> None:
    with suppress(Conflict):  # it has ended already
        builds.cancel(services, push.actor, str(push.app_id), str(build_id))


def _follow_release(services: Services, push: Push, build: Build) -> None:
    """Wait until the release is live or has failed; show its release command's output."""
    release = release_state(services, push.app_id, build.release_version or 0)
    url = services.settings.url_of(push.app_name)
    if release.output_id:
        push.show(" !     Release command declared: this new release will not be available "
                  "until the command succeeds.\n")  # fmt: skip
    push.show(f"       {url} deployed to Kedge\n\n")
    if release.output_id:
        _follow_release_command(services, push, release)
    push.show("Verifying deploy... ")
    release = _until_settled(services, push, release)
    if release.status == Status.FAILED:
        failure = release.failure or {}
        raise BuildFailed(_words(release, failure.get("reason") or "it did not come up."))
    if release.status == Status.EXPIRED:
        newer = rollouts.later(services, release)
        push.show(f"superseded by {f'v{newer.version}' if newer else 'a newer release'}.\n")
        return
    if release.status == Status.PENDING:
        raise BuildCancelled("The pusher went away. The branch follows when the release is live.")
    push.show("done.\n")
    _tell_crashes(services, push, release)


def _follow_release_command(services: Services, push: Push, release: Release) -> None:
    push.show("Running release command....\n\n")
    output_id = release.output_id
    while output_id and not outputs.exists(services, output_id):
        release = release_state(services, push.app_id, release.version)
        if release.status != Status.PENDING or push.is_gone():
            return
        time.sleep(0.1)
    if output_id:
        for payload in outputs.follow(services, output_id):
            push.show(payload.decode("utf-8", "replace"))
            if push.is_gone() or (not payload and _has_ended(services, push, release)):
                return


def _has_ended(services: Services, push: Push, release: Release) -> bool:
    return release_state(services, push.app_id, release.version).status != Status.PENDING


def _until_settled(services: Services, push: Push, release: Release) -> Release:
    """The end of the release, or of the one that took its code on before it was rolled out.

    What a config change took from an expired release goes live, or fails, with that change.
    """
    while True:
        release = _until_ended(services, push, release)
        heir = None
        if release.status == Status.EXPIRED:
            heir = rollouts.later(services, release, same_slug=True)
        if heir is None:
            return release
        release = heir


def _until_ended(services: Services, push: Push, release: Release) -> Release:
    while release.status == Status.PENDING:
        services.wakes.wait(app_topic(push.app_id), 0.25)
        release = release_state(services, push.app_id, release.version)
        if push.is_gone():
            break  # the release goes on by itself; only its story has no reader any more
    return release


def _tell_crashes(services: Services, push: Push, release: Release) -> None:
    types = release.process_types
    if "web" not in types:
        push.show("       No web process type is declared, so requests get H14.\n")
    for dyno in dynos_of(services, push.app_id, release.version):
        if dyno.state == State.CRASHED:
            reason = (dyno.failure or {}).get("reason", "")
            push.show(f" !     {dyno.name} crashed: {reason} It is started again; see kedge why.\n")


def _words(release: Release, reason: str) -> str:
    return (
        f"Release v{release.version} failed: {reason} "
        "What ran before goes on serving. `kedge why` tells more."
    )


class Shown(BuildRefused):
    """A refusal whose reason is on the screen already."""


def _refuse(push: Push, error: KedgeError) -> None:
    if not isinstance(error, Shown):
        push.show(f"\n !     {error.message}\n")
    push.show(f" !     Push rejected to {push.app_name}.\n\n")
