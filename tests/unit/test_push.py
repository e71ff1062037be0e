"""What `plan/push.py` makes of the refs a push wants to move."""

from __future__ import annotations

import pytest

from kedge.plan.push import ZERO, Update, judge

OLD, NEW = "1" * 40, "2" * 40


@pytest.mark.parametrize("branch", ["main", "master"])
def test_main_and_master_are_deployed(branch):
    """A push to either leads to a build."""
    update = Update(OLD, NEW, f"refs/heads/{branch}")
    assert judge([update]).deploy == update


def test_other_refs_are_kept_with_a_remark():
    """Other branches and tags are stored without a build, and the pusher is told."""
    verdict = judge([Update(ZERO, NEW, "refs/heads/topic"), Update(ZERO, NEW, "refs/tags/v1")])
    assert verdict.deploy is None
    assert verdict.refusal is None
    assert [remark.split(" without")[0] for remark in verdict.remarks] == [
        "Stored branch topic", "Stored tag v1",
    ]  # fmt: skip


def test_two_deployable_branches_in_one_push_are_refused():
    """Only one commit can be what runs."""
    updates = [Update(OLD, NEW, "refs/heads/main"), Update(OLD, NEW, "refs/heads/master")]
    assert "only one can be deployed" in (judge(updates).refusal or "")


def test_deleting_what_is_deployed_is_refused():
    """The deployed branch stays; the words say how to stop the app instead."""
    refusal = judge([Update(OLD, ZERO, "refs/heads/main")]).refusal or ""
    assert "cannot be deleted" in refusal
    assert "kedge ps:scale web=0" in refusal


def test_deleting_another_branch_is_fine():
    """Branches that are only kept may go."""
    verdict = judge([Update(OLD, ZERO, "refs/heads/topic")])
    assert verdict.refusal is None
    assert verdict.remarks[0].startswith("Deleted branch topic")
