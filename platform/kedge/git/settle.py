"""Pushes whose end git did not see: the branch follows what is live.

Git moves a branch when the push's release is live. When the web process, git or the pusher's
connection dies in between, the release may go live without it. Each push's build therefore names
the branch it is to move until somebody has seen to that; its objects are in the repository already
(`engine/git_acceptance.py`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from itertools import groupby
from logging import INFO, WARNING
from operator import attrgetter

import structlog
from sqlalchemy import select, update

from kedge.engine.git import Repositories
from kedge.engine.git_acceptance import move_ref
from kedge.engine.git_leftovers import sweep
from kedge.errors import KedgeError
from kedge.model.build import Build
from kedge.model.release import Status
from kedge.ops.rollouts import fate
from kedge.ops.services import Services

log = structlog.get_logger()
SETTLE_SECONDS = 10.0


def place_name(app_id: uuid.UUID) -> str:
    """The name of the lock that is an app's one place for a push."""
    return f"push to {app_id}"


def tend(services: Services, repositories: Repositories, stopping: threading.Event) -> None:
    """Every few seconds, see to what pushes left; a loop, to be run in a thread of its own."""
    while not stopping.is_set():
        for act in (settle_all, _sweep):
            _guarded(act, services, repositories)
        stopping.wait(SETTLE_SECONDS)


def settle_all(services: Services, repositories: Repositories) -> None:
    """Settle the pushes of every app that has any to settle."""
    with services.database.transaction() as tx:
        due = set(tx.scalars(select(Build.app_id).where(Build.ref.is_not(None))))
    for app_id in due:
        settle(services, repositories, app_id)


def settle(services: Services, repositories: Repositories, app_id: uuid.UUID) -> None:
    """Have an app's branches follow what of its pushes is live, unless a push is under way."""
    with services.database.transaction() as tx:
        if not tx.scalar(select(Build.id).where(Build.app_id == app_id, Build.ref.is_not(None))):
            return
    with services.database.advisory_lock(place_name(app_id), wait=False) as place:
        if place.held:
            for pushes in _due(services, app_id):
                _settle(services, repositories, pushes)


def _due(services: Services, app_id: uuid.UUID) -> list[list[Build]]:
    """The app's pushes that are to be settled, by their branch, the newest first."""
    query = select(Build).where(Build.app_id == app_id, Build.ref.is_not(None))
    with services.database.transaction() as tx:
        found = list(tx.scalars(query.order_by(Build.ref, Build.created_at.desc())))
    return [list(pushes) for _, pushes in groupby(found, key=attrgetter("ref"))]


def _settle(services: Services, repositories: Repositories, pushes: list[Build]) -> None:
    """The newest that went live is what the branch names; those before it are of the past."""
    for number, push in enumerate(pushes):
        end = fate(services, push)
        if end == Status.PENDING:
            return
        if end == Status.SUCCEEDED:
            if _follow(repositories, push):
                _forget(services, pushes[number:])
            return
        _forget(services, [push])


def _follow(repositories: Repositories, push: Build) -> bool:
    """Move the branch, unless git has done so; whether there is nothing left to do."""
    path = repositories.path(push.app_id)
    done = move_ref(path, push.ref or "", push.ref_before or "", push.source_version or "")
    log.log(INFO if done else WARNING, "push.settled", build=str(push.id), done=done)
    return done


def _forget(services: Services, pushes: Iterable[Build]) -> None:
    ids = [push.id for push in pushes]
    with services.database.transaction() as tx:
        # Rows keep their `updated_at`: nothing anybody sees has changed.
        unchanged = {"ref": None, "ref_before": None, "updated_at": Build.updated_at}
        tx.execute(update(Build).where(Build.id.in_(ids)).values(**unchanged))


def _sweep(services: Services, repositories: Repositories) -> None:
    sweep(services.settings.run_dir, repositories.folder)


def _guarded(
    act: Callable[[Services, Repositories], None], services: Services, repositories: Repositories
) -> None:
    try:
        act(services, repositories)
    except KedgeError as error:
        log.warning("push.not_settled", reason=error.message)
    except Exception:  # the loop must go on; it is tried again
        log.exception("push.not_settled")
