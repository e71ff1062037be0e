"""Objects of a push kept whatever becomes of it, and branches moved in git's place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from kedge.engine import git_acceptance
from kedge.engine.git import Repositories
from kedge.engine.git_acceptance import NOWHERE, keep_objects, move_ref

MAIN = "refs/heads/main"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Repositories(tmp_path / "repos", 10).ensure(uuid4())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a commit of two files."""
    made = tmp_path / "checkout"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch", "main")
    for name in ("one", "two"):
        (made / name).write_text(name)
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message", "One")
    return made


def git(path: Path, *arguments: str) -> str:
    """What git says in a repository."""
    who = {
        f"GIT_{role}_{what}": "a" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-C", str(path), *arguments],
        env={**os.environ, **who}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def push(checkout: Path, repository: Path, unpack_limit: int) -> bool:
    """Push with a hook that keeps the objects, then refuses; whether git took it."""
    hook = repository.parent / "hooks" / "pre-receive"
    copy = repository.parent / "quarantine"
    hook.write_text(f'#!/bin/sh\ncp -r "$GIT_QUARANTINE_PATH" {copy}\nexit 1\n')
    git(repository, "config", "transfer.unpackLimit", str(unpack_limit))
    done = subprocess.run(
        ["git", "-C", str(checkout), "push", str(repository), "main"],
        capture_output=True, check=False,
    )  # fmt: skip
    keep_objects(repository, copy)
    shutil.rmtree(copy)
    return done.returncode == 0


@pytest.mark.parametrize("unpack_limit", [1, 100], ids=["packed", "loose"])
def test_objects_of_a_push_that_git_threw_away_are_there(repository, checkout, unpack_limit):
    """The branch can be moved to the commit, and what it holds is whole."""
    assert not push(checkout, repository, unpack_limit)
    commit = git(checkout, "rev-parse", "HEAD")
    assert move_ref(repository, MAIN, NOWHERE, commit)
    assert git(repository, "rev-parse", MAIN) == commit
    assert git(repository, "fsck", "--full", "--strict") == ""
    assert git(repository, "show", "main:two") == "two"


def test_objects_that_are_kept_are_in_git_s_way_in_nothing(repository, checkout):
    """The same push once more, now accepted, takes its usual course; nothing is kept twice."""
    push(checkout, repository, 1)
    (repository.parent / "hooks" / "pre-receive").unlink()
    git(checkout, "push", str(repository), "main")
    assert git(repository, "rev-parse", MAIN) == git(checkout, "rev-parse", "HEAD")
    assert len(list((repository / "objects" / "pack").glob("*.pack"))) == 1
    assert not list(repository.glob("objects/tmp_objdir-*"))


def test_a_file_system_without_links_keeps_copies(repository, checkout, monkeypatch):
    """Where a file has one name, its content is taken."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(git_acceptance.os, "link", refuse)
    push(checkout, repository, 100)
    commit = git(checkout, "rev-parse", "HEAD")
    assert move_ref(repository, MAIN, NOWHERE, commit)
    assert git(repository, "fsck", "--full") == ""


def test_a_branch_that_points_elsewhere_stays(repository, checkout):
    """Somebody moved it meanwhile: there is nothing to do."""
    push(checkout, repository, 1)
    first = git(checkout, "rev-parse", "HEAD")
    git(repository, "update-ref", MAIN, first)
    assert move_ref(repository, MAIN, NOWHERE, "1" * 40)
    assert git(repository, "rev-parse", MAIN) == first


def test_a_commit_that_is_not_there_is_no_branch_s(repository):
    """It is said, and the branch stays as it is."""
    assert not move_ref(repository, MAIN, NOWHERE, "1" * 40)
    assert git(repository, "for-each-ref") == ""
