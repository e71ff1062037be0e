"""Repositories: made whole or not at all, and what is read of a pushed commit."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from kedge.engine.git import Quarantine, Repositories
from kedge.errors import BuildFailed


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path / "repos", source_limit_mb=10)


def git(path: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What git says in a repository."""
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], input=stdin, capture_output=True, check=True,
        env={**os.environ, "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"},
    )  # fmt: skip
    return done.stdout.decode().strip()


def commit(path: Path, subject: bytes, *header: bytes) -> str:
    """A commit of an empty tree with a subject as these bytes."""
    tree = git(path, "hash-object", "-t", "tree", "-w", "--stdin").encode()
    who = b"a <a@b> 1700000000 +0000"
    lines = [b"tree " + tree, b"author " + who, b"committer " + who, *header, b"", subject, b""]
    return git(path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=b"\n".join(lines))


@pytest.mark.parametrize(
    ("subject", "header", "shown"),
    [
        ("Grüße".encode(), (), "Grüße"),
        ("Grüße".encode("latin-1"), (), "Gr\ufffd\ufffde"),
        ("Grüße".encode("latin-1"), (b"encoding ISO-8859-1",), "Grüße"),
    ],
)
def test_a_subject_of_any_encoding_is_read(repositories, subject, header, shown):
    """It is shown as far as it can be told; it is no reason to refuse a push."""
    path = repositories.ensure(uuid4())
    quarantine = Quarantine(path, {})
    try:
        found = quarantine.commit(commit(path, subject, *header))
    finally:
        quarantine.close()
    assert (found.subject, found.time) == (shown, 1700000000)


def test_a_repository_made_by_many_at_once_is_one(repositories, tmp_path):
    """All get the same, whole one, and nothing is left beside it."""
    app_id, found = uuid4(), []
    threads = [
        threading.Thread(target=lambda: found.append(repositories.ensure(app_id))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [repositories.path(app_id)] * 8
    assert git(found[0], "config", "receive.maxInputSize") == "10m"
    assert {each.name for each in (tmp_path / "repos").iterdir()} == {found[0].name, "hooks"}


def test_one_killed_while_making_a_repository_is_in_nobody_s_way(repositories, tmp_path):
    """What was begun lies beside; the next one makes the repository, and the old part goes."""
    half = tmp_path / "repos" / ".part-half"
    (half / "x.git").mkdir(parents=True)
    (half / "x.git" / "config.lock").touch()
    os.utime(half, (0, 0))
    path = repositories.ensure(uuid4())
    assert git(path, "rev-parse", "--is-bare-repository") == "true"
    assert not half.exists()


def test_what_was_pushed_can_be_found_again(repositories):
    """A branch, a tag and the beginning of an id lead to their commit; the newest come first."""
    path = repositories.ensure(uuid4())
    repository = Quarantine(path, {})
    try:
        assert repository.history(5) == []
        first = commit(path, b"first")
        git(path, "update-ref", "refs/heads/main", first)
        git(path, "tag", "v1", first)
        assert {repository.resolve(name) for name in ("main", "v1", first[:9])} == {first}
        assert [each.subject for each in repository.history(5)] == ["first"]
        for name in ("other", "--all", "-n1", "main:file", f"{'0' * 40}"):
            with pytest.raises(BuildFailed, match="no branch, tag or commit"):
                repository.resolve(name)
    finally:
        repository.close()
