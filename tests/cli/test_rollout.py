from __future__ import annotations

import pytest

from cli.conftest import Kedge
from cli.fake_platform import Answer, FakePlatform, Steps, release, rollout
from kedge.cli.rollout import Verdict, judge_dynos, judge_release

FAILED = {"version": 9, "reason": "web.1 did not bind $PORT", "code": "R10"}
CRASHED = {"name": "web.2", "state": "crashed", "release": 7}
ROLLOUT = ("GET", "/kedge/apps/shop/rollout")


def _status(word: str):
    return lambda: word


@pytest.mark.parametrize(
    ("state", "version", "status", "verdict"),
    [
        (rollout(9), 9, "succeeded", Verdict()),
        (rollout(10), 9, "expired", Verdict()),
        (rollout(7, settled=False, rolling_out=9), 9, "pending", None),
        (rollout(7), 9, "pending", None),
        (rollout(7, failed=FAILED), 9, "failed", Verdict("R10: web.1 did not bind $PORT")),
        (rollout(7, failed=FAILED | {"version": 8}), 9, "pending", None),
        (rollout(7, settled=False, rolling_out=10, failed=FAILED), 9, "failed", None),
        (rollout(None), 3, "succeeded", Verdict()),
        (rollout(7), 9, "failed", Verdict("The release failed.")),
    ],
    ids=[
        "live", "a newer one is live", "rolling out", "not picked up yet", "failed",
        "an older one failed", "a newer one is under way", "no dynos to start", "failed, no cause",
    ],
)  # fmt: skip
def test_judging_a_release(state, version, status, verdict):
    """A release is live when head reached it; it failed when it, or what took its place, did."""
    assert judge_release(state, version, _status(status)) == verdict


def test_failure_of_what_took_its_place():
    """A release whose successor failed has failed too, and the reason names the successor."""
    verdict = judge_release(rollout(7, failed=FAILED), 8, _status("expired"))
    assert verdict
    assert verdict.failed
    assert verdict.failed.startswith("v8 gave way to v9, which failed")


@pytest.mark.parametrize(
    ("state", "before", "failed"),
    [
        (rollout(7), None, False),
        (rollout(7, failed=FAILED), rollout(7, failed=FAILED), False),
        (rollout(7, failed=FAILED), rollout(7), True),
        (rollout(9, failed=FAILED), rollout(9, failed=FAILED), True),
        (rollout(7, dynos=[CRASHED]), rollout(7), True),
        (rollout(7, dynos=[CRASHED]), rollout(7, dynos=[CRASHED]), False),
    ],
    ids=["up", "failed before", "failed since", "head fails", "crashed since", "crashed before"],
)
def test_judging_dynos(state, before, failed):
    """A change of dynos failed when something failed or crashed that had not before."""
    verdict = judge_dynos(state, before)
    assert verdict
    assert bool(verdict.failed) is failed


def test_failed_release_exits_1_with_the_reason(platform: FakePlatform, kedge: Kedge):
    """A release that fails makes the command exit 1, with the reason and what still serves."""
    platform.answers["GET", "/apps/shop/releases"] = Steps(
        [release(8, "Deploy")], [release(9, "Set A config vars")]
    )
    platform.answers[ROLLOUT] = rollout(7, failed=FAILED)
    done = kedge("config:set", "A=1", "-a", "shop")
    assert done.status == 1
    assert "v9 did not go live: R10: web.1 did not bind $PORT. v7 still serves." in done.err
    assert "kedge why -a shop" in done.err


def test_wait_outlives_a_restart_of_the_platform(platform: FakePlatform, kedge: Kedge):
    """A platform that answers 503 in the middle of a wait is asked again."""
    platform.answers[ROLLOUT] = Steps(
        rollout(7, settled=False, rolling_out=8), Answer({}, 503), rollout(8)
    )
    done = kedge("ps:wait", "-a", "shop")
    assert done.status == 0, done.err
    assert "trying again" in done.err


def test_crashed_worker_is_a_warning(platform: FakePlatform, kedge: Kedge):
    """A worker that crashes does not fail the change, but is told."""
    state = rollout(7)
    state["dynos"].append({"name": "worker.1", "state": "crashed", "release": 7})
    platform.answers[ROLLOUT] = state
    done = kedge("ps:wait", "-a", "shop")
    assert done.status == 0
    assert "worker.1 crashed" in done.err


@pytest.mark.parametrize(
    ("stage", "words"),
    [("release phase", "v8: running the release command"), ("waiting", "v8: waiting to roll out")],
)
def test_stages_are_told(platform: FakePlatform, kedge: Kedge, stage: str, words: str):
    """The release phase and the wait for another roll-out are told as such."""
    platform.answers[ROLLOUT] = Steps(
        rollout(7, settled=False, rolling_out=8, stage=stage), rollout(8)
    )
    assert words in kedge("ps:wait", "-a", "shop").err


def test_old_and_new_of_one_name_are_one(platform: FakePlatform, kedge: Kedge):
    """While an old web.1 drains beside the new one, the progress tells the new one."""
    both = [{"name": n, "state": s, "release": 7} for n, s in
            (("web.1", "up"), ("web.10", "up"), ("web.1", "starting"))]  # fmt: skip
    platform.answers[ROLLOUT] = Steps(rollout(7, settled=False, dynos=both), rollout(7))
    assert "Changing dynos: web.1 starting, web.10 up\n" in kedge("ps:wait", "-a", "shop").err
