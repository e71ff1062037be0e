"""A push from its hook to its end: which release it follows, and who still waits for it."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest

from api.pusher import Pusher, until
from kedge.git import receive as receiving
from kedge.model.build import Build


@pytest.fixture
def pusher(services, owner, hello, deployer):
    made = Pusher(services, owner, hello, deployer)
    yield made
    made.is_stalled.clear()
    made.is_gone.set()
    deployer.builder.gate.set()
    made.ended()


def test_a_push_ends_with_its_release(pusher, deployer):
    """It is accepted when the release is live, and not before."""
    pusher.push()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is True
    assert "done.\n" in pusher.screen


@pytest.mark.parametrize("is_live", [True, False])
def test_a_push_whose_code_went_on_with_a_config_change(api, pusher, deployer, is_live):
    """Its release expired, and a later one has its code: that one's end is the push's."""
    pusher.push()
    pusher.until("Verifying deploy")
    api.patch("/apps/hello/config-vars", {"A": "1"})
    api.patch("/apps/hello/config-vars", {"B": "1"})
    deployer.expire("hello", 3)
    deployer.expire("hello", 4)
    if is_live:
        deployer.go_live("hello", 5)
    else:
        deployer.fail("hello", 5)
    assert pusher.ended() is is_live
    assert ("Release v5 failed: It did not boot." in pusher.screen) is not is_live


def test_a_push_that_another_deploy_overtook(api, pusher, deployer):
    """No later release has its code: it is accepted, and told which one came instead."""
    first = deployer.deploy(Procfile="web: python first.py\n")
    pusher.push()
    pusher.until("Verifying deploy")
    api.post("/apps/hello/releases", {"slug": first["slug"]["id"]})
    deployer.expire("hello", 4)
    assert pusher.ended() is True
    assert "superseded by v5" in pusher.screen


def test_a_push_that_lost_its_place_moves_no_ref(pusher, deployer):
    """The lock went with the database's connection: another push may have begun meanwhile."""
    pusher.lock = SimpleNamespace(is_alive=lambda: False)
    pusher.push()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is False
    assert "another push may have begun. If this one goes live" in pusher.screen


def test_a_pusher_whose_terminal_is_stopped_is_waited_for(
    api, services, pusher, deployer, monkeypatch
):
    """Who takes no output for a while is still there: the build goes on, and is attended."""
    monkeypatch.setattr(receiving, "GONE_SECONDS", 0.02)
    monkeypatch.setattr(receiving, "ATTEND_SECONDS", 0.05)
    deployer.builder.gate.clear()
    pusher.push()
    pusher.until("Building on the Fake stack")
    pusher.is_stalled.set()
    before = attended_until(api, services)
    until(lambda: attended_until(api, services) > before)
    before = attended_until(api, services)
    until(lambda: attended_until(api, services) > before)
    pusher.is_stalled.clear()
    deployer.builder.gate.set()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is True


def test_a_pusher_who_left_while_nothing_was_taken_ends_the_build(
    api, pusher, deployer, monkeypatch
):
    """Also when what is shown is stuck on its way, a closed connection is noticed."""
    monkeypatch.setattr(receiving, "GONE_SECONDS", 0.02)
    deployer.builder.gate.clear()
    pusher.push()
    pusher.until("Building on the Fake stack")
    pusher.is_stalled.set()
    pusher.is_gone.set()
    until(lambda: api.get("/apps/hello/builds")[0]["status"] == "failed")
    pusher.is_stalled.clear()
    assert pusher.ended() is False


def attended_until(api, services):
    """How long the app's build counts as attended."""
    build_id = uuid.UUID(api.get("/apps/hello/builds")[0]["id"])
    with services.database.transaction() as tx:
        return tx.get_one(Build, build_id).attended_until
