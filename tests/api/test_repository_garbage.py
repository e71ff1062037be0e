"""Repositories that grew are packed anew by git, never while somebody pushes."""

from __future__ import annotations

import os
import subprocess
import uuid

import pytest

from kedge.engine.git import Repositories
from kedge.git.garbage import collect
from kedge.git.settle import place_name


@pytest.fixture
def repositories(services):
    return Repositories(services.settings.home / "repos", 10)


@pytest.fixture
def grown(repositories):
    """A repository with more loose objects than git likes; its app's id."""
    app_id = uuid.uuid4()
    path = repositories.ensure(app_id)
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    environment = {**os.environ, **dict.fromkeys(names, "a")}

    def git(*words, stdin=""):
        return subprocess.run(
            ["git", "-C", str(path), *words], input=stdin, env=environment,
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    git("config", "gc.auto", "1")
    entries = []
    for number in range(600):
        blob = git("hash-object", "-w", "--stdin", stdin=str(number))
        entries.append(f"100644 blob {blob}\t{number}")
    commit = git("commit-tree", git("mktree", stdin="\n".join(entries) + "\n"), "-m", "Many")
    git("update-ref", "refs/heads/main", commit)
    return app_id


def test_what_grew_is_packed_unless_a_push_is_under_way(services, repositories, grown):
    """The lock of the app's pushes is held meanwhile."""
    path = repositories.path(grown)
    with services.database.advisory_lock(place_name(grown)):
        collect(services, repositories)
        assert not list(path.glob("objects/pack/*.pack"))
    collect(services, repositories)
    assert len(list(path.glob("objects/pack/*.pack"))) == 1
    assert not list(path.glob("objects/??/*"))
