"""Pushes whose end git did not see: the branch follows what is live, and nothing else."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from api.pusher import Pusher
from kedge.engine.git import Repositories
from kedge.git.settle import place_name, settle, settle_all
from kedge.model.build import Build

NOWHERE = "0" * 40


@pytest.fixture
def pusher(services, owner, hello, deployer):
    made = Pusher(services, owner, hello, deployer)
    made.lock = SimpleNamespace(is_alive=lambda: False)  # git never hears that it may go on
    return made


@pytest.fixture
def repositories(services):
    return Repositories(services.settings.home / "repos", 10)


@pytest.fixture
def due(services, repositories):
    """Settles all there is to settle; how many pushes are left that will be."""

    def settle_and_count():
        settle_all(services, repositories)
        with services.database.transaction() as tx:
            return len(tx.scalars(select(Build).where(Build.ref.is_not(None))).all())

    return settle_and_count


def lost(pusher, deployer, version, end="go_live", commit=None):
    """A push that ends so, without git hearing of it; its commit."""
    pusher.screen = ""
    commit = pusher.push(commit)
    pusher.until("Verifying deploy")
    getattr(deployer, end)("hello", version)
    pusher.ended()
    return commit


def test_what_is_live_is_what_main_names(pusher, deployer, due):
    """A push that nobody saw to its end moves the branch when its release is live."""
    commit = lost(pusher, deployer, 3)
    assert pusher.main() == NOWHERE
    assert due() == 0
    assert pusher.main() == commit


def test_what_failed_moves_nothing(pusher, deployer, due):
    """A push whose release failed is over."""
    lost(pusher, deployer, 3, "fail")
    assert due() == 0
    assert pusher.main() == NOWHERE


def test_a_release_that_is_still_coming_is_waited_for(pusher, deployer, due):
    """Nothing is decided before it is live, or has failed."""
    commit = pusher.push()
    pusher.until("Verifying deploy")
    assert due() == 1
    assert pusher.main() == NOWHERE
    deployer.go_live("hello", 3)
    pusher.ended()
    assert due() == 0
    assert pusher.main() == commit


def test_code_that_went_on_with_a_config_change(api, pusher, deployer, due):
    """The release that took the code on decides."""
    commit = pusher.push()
    pusher.until("Verifying deploy")
    api.patch("/apps/hello/config-vars", {"A": "1"})
    deployer.expire("hello", 3)
    assert due() == 1
    deployer.go_live("hello", 4)
    pusher.ended()
    assert due() == 0
    assert pusher.main() == commit


def test_of_two_that_are_live_the_newer_counts(pusher, deployer, due):
    """Both were pushed over the same commit; main names what runs."""
    lost(pusher, deployer, 3)
    newer = lost(pusher, deployer, 4)
    assert due() == 0
    assert pusher.main() == newer


def test_when_the_newer_failed_the_older_counts(pusher, deployer, due):
    """What the newer one left alone still runs."""
    older = lost(pusher, deployer, 3)
    lost(pusher, deployer, 4, "fail")
    assert due() == 0
    assert pusher.main() == older


def test_a_branch_that_git_moved_back_stays_there(pusher, deployer, due):
    """An older push over the commit that main names again does not move it once more."""
    first = lost(pusher, deployer, 3)
    pusher.move(first)
    pusher.move(lost(pusher, deployer, 4))
    pusher.move(lost(pusher, deployer, 5, commit=first))
    assert due() == 0
    assert pusher.main() == first


def test_a_push_under_way_is_left_alone(services, pusher, deployer, repositories):
    """Whoever holds the app's place for a push sees to its branch."""
    app_id = uuid.UUID(pusher.app.id)
    commit = lost(pusher, deployer, 3)
    with services.database.advisory_lock(place_name(app_id)):
        settle(services, repositories, app_id)
        assert pusher.main() == NOWHERE
    settle(services, repositories, app_id)
    assert pusher.main() == commit


def test_a_branch_that_cannot_be_moved_is_tried_again(pusher, deployer, due):
    """Something in git's way, such as a full disk, does not end the matter."""
    commit = lost(pusher, deployer, 3)
    obstacle = pusher.path / "refs" / "heads" / "main.lock"
    obstacle.touch()
    assert due() == 1
    obstacle.unlink()
    assert due() == 0
    assert pusher.main() == commit
