"""Builds of what was pushed before: the code lies in the app's repository already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kedge.engine.git import Commit, Quarantine, Repositories
from kedge.errors import BuildFailed, InvalidParams
from kedge.model.build import Build
from kedge.ops import builds, sources
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services

NAME_LIMIT = 250


def commits(
    services: Services, repositories: Repositories, actor: Actor, app_identity: str, limit: int
) -> list[Commit]:
    """The newest commits that were pushed to the app, newest first; none when nothing was."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
    path = repositories.path(app.id)
    if not path.exists():
        return []
    with _opened(Quarantine(path, {})) as repository:
        return repository.history(limit)


def rebuild(
    services: Services, repositories: Repositories, actor: Actor, app_identity: str, name: str
) -> Build:
    """Build a branch, a tag or a commit anew, and release what comes out.

    Raises:
        InvalidParams: there is none of that name among what was pushed.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
    path = repositories.path(app.id)
    wanted = name.strip()
    if not wanted or len(wanted) > NAME_LIMIT or not wanted.isprintable():
        raise InvalidParams("Name what to build: a branch such as main, a tag, or a commit's id.")
    if not path.exists():
        raise InvalidParams(f"Nothing has been pushed to {app.name} yet: git push kedge main")
    with _opened(Quarantine(path, {})) as repository:
        try:
            commit = repository.commit(repository.resolve(wanted))
        except BuildFailed as refused:
            raise InvalidParams(refused.message) from None
        source_id = sources.keep(
            services, app.id, lambda target: repository.archive(commit.sha, target)
        )
    source = builds.SourceRef(
        id=source_id,
        version=commit.sha,
        version_description=commit.subject,
        commit_time=commit.time,
    )
    return builds.start(services, actor, str(app.id), source)


@contextmanager
def _opened(repository: Quarantine) -> Iterator[Quarantine]:
    try:
        yield repository
    finally:
        repository.close()
