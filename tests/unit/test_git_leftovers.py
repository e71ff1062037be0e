"""What killed pushes leave goes; what belongs to one that is alive stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from kedge.engine.claims import claimed
from kedge.engine.git import Repositories
from kedge.engine.git_leftovers import push_folder, sweep


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


@pytest.fixture
def quarantine(tmp_path: Path) -> Path:
    """Objects in quarantine, in an app's repository."""
    repository = Repositories(tmp_path / "repos", 10).ensure(uuid4())
    made = repository / "objects" / "tmp_objdir-incoming-a"
    (made / "pack").mkdir(parents=True)
    return made


def aged(folder: Path) -> Path:
    """The folder, made long ago."""
    os.utime(folder, (0, 0))
    return folder


def test_the_folder_of_a_push_that_was_killed_goes(run_dir, tmp_path):
    """Nobody claims it any more; one that is used, or is only just made, stays."""
    left = run_dir / "push-left"
    left.mkdir()
    young = run_dir / "push-young"
    young.mkdir()
    with push_folder(run_dir) as used:
        aged(left), aged(used)
        sweep(run_dir, tmp_path / "repos")
        assert (left.exists(), young.exists(), used.exists()) == (False, True, True)
    assert not used.exists()


def test_objects_in_quarantine_stay_while_a_push_is_alive(run_dir, tmp_path, quarantine):
    """They go when the last process of the last push has ended, at once."""
    with claimed(quarantine.parent.parent):
        sweep(run_dir, tmp_path / "repos")
        assert quarantine.exists()
    sweep(run_dir, tmp_path / "repos")
    assert not quarantine.exists()


def test_a_claim_lives_as_long_as_any_process_that_has_it(run_dir, tmp_path, quarantine):
    """Git goes on when the process that started it was killed: the claim is git's as well."""
    wait = [sys.executable, "-c", "input()"]
    with claimed(quarantine.parent.parent) as claim:
        git = subprocess.Popen(wait, stdin=subprocess.PIPE, pass_fds=[claim])
    sweep(run_dir, tmp_path / "repos")
    assert quarantine.exists()
    git.communicate(b"\n")
    sweep(run_dir, tmp_path / "repos")
    assert not quarantine.exists()
