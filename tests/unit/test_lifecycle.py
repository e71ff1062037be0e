"""What `plan/lifecycle.py` decides for one dyno."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kedge.engine.protocols import Container
from kedge.model.dyno import State
from kedge.plan.backoff import rest_after
from kedge.plan.lifecycle import (
    Arrive,
    Crash,
    End,
    Kill,
    Launch,
    Life,
    Limits,
    Terminate,
    cause,
    next_move,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits(boot_seconds=60, drain_seconds=30, kill_seconds=30, release_seconds=3600)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def life(state: str, **more) -> Life:
    more = {"kind": "dyno", "type": "web", "created_at": ago(5), "started_at": ago(5)} | more
    return Life(state=state, **more)


def container(status: str = "running", exit_status: int | None = None, **more) -> Container:
    facts = {
        "runtime_id": "c1", "dyno_id": uuid.uuid4(), "app_id": uuid.uuid4(), "kind": "dyno",
        "name": "web.1", "release_version": 3, "address": "10.0.0.2", "started_at_ns": 1,
        "finished_at_ns": None, "out_of_memory": False, "error": None,
    }  # fmt: skip
    return Container(**(facts | {"status": status, "exit_status": exit_status} | more))


def move(of: Life, at: Container | None, **more):
    return next_move(of, at, now=NOW, limits=LIMITS, **more)


class TestAStartingDyno:
    @pytest.mark.parametrize("made", [None, container("created")])
    def test_is_launched(self, made):
        """A row without a running container leads to one, also when the maker was killed."""
        assert move(life(State.STARTING, started_at=None), made) == Launch()

    def test_is_launched_again_when_its_start_was_not_written_down(self):
        """A maker killed right after the engine's start left no address: the dyno needs one."""
        assert move(life(State.STARTING, started_at=None), container()) == Launch()

    def test_of_web_is_up_when_it_is_healthy(self):
        """A web dyno is up at its first healthy answer, not before."""
        assert move(life(State.STARTING), container()) is None
        assert move(life(State.STARTING), container(), is_healthy=True) == Arrive()

    def test_of_web_crashes_with_r10_after_the_boot_time(self):
        """A web dyno that does not answer within the boot time has the cause R10."""
        found = move(life(State.STARTING, started_at=ago(61)), container(), probed_seconds=60)
        assert isinstance(found, Crash)
        assert found.failure["code"] == "R10"

    def test_of_web_gets_no_r10_for_the_time_nobody_looked(self):
        """A boot time over while the supervisor was away: first it probes for some seconds."""
        late = life(State.STARTING, started_at=ago(300))
        assert move(late, container(), probed_seconds=0.1) is None
        assert move(late, container(), probed_seconds=0.1, is_healthy=True) == Arrive()
        assert isinstance(move(late, container(), probed_seconds=10), Crash)

    def test_of_another_type_is_up_when_it_has_run_three_seconds(self):
        """A worker needs no port: it is up when it still runs after three seconds."""
        assert move(life(State.STARTING, type="worker", started_at=ago(2)), container()) is None
        assert move(life(State.STARTING, type="worker", started_at=ago(3)), container()) == Arrive()

    def test_that_ended_has_crashed(self):
        """A process that exits, even with status 0, has crashed: a formation's dyno is to stay."""
        found = move(life(State.STARTING), container("exited", 0))
        assert isinstance(found, Crash)
        assert found.exit_status == 0


class TestARunningDyno:
    def test_whose_container_is_gone_has_crashed(self):
        """A container that vanished (a wiped engine) counts as a crash."""
        assert isinstance(move(life(State.UP), None), Crash)

    def test_that_drains_waits_for_the_router(self):
        """Nothing is stopped before the router has let go of it."""
        assert move(life(State.DRAINING), container(), in_flight=0) is None

    def test_that_drains_stops_when_its_requests_are_done(self):
        """SIGTERM comes when nothing is in flight any more."""
        draining = life(State.DRAINING, draining_at=ago(3))
        assert move(draining, container(), in_flight=2) is None
        assert move(draining, container(), in_flight=0) == Terminate()

    def test_that_drains_stops_at_the_deadline(self):
        """Requests that never end do not keep a dyno for ever."""
        late = life(State.DRAINING, draining_at=ago(31))
        assert move(late, container(), in_flight=2) == Terminate()

    def test_whose_requests_in_flight_are_unknown_is_not_stopped_early(self):
        """When the router cannot say what is in flight, the whole drain time is given."""
        draining = life(State.DRAINING, draining_at=ago(3))
        assert move(draining, container(), in_flight=None) is None

    def test_that_stops_is_killed_after_its_time(self):
        """After SIGTERM and thirty seconds comes SIGKILL."""
        assert move(life(State.STOPPING, stopping_at=ago(29)), container()) is None
        assert move(life(State.STOPPING, stopping_at=ago(31)), container()) == Kill()

    def test_is_told_again_when_its_stopper_may_have_been_killed(self):
        """SIGTERM is sent at least once, by whichever supervisor sees the dyno to its end."""
        stopping = life(State.STOPPING, stopping_at=ago(1), is_told_to_stop=False)
        assert move(stopping, container()) == Terminate()

    def test_that_stopped_has_ended(self):
        """The end of a stopping dyno is no crash."""
        stopping = life(State.STOPPING, stopping_at=ago(1))
        assert move(stopping, container("exited", 143)) == End(143)


class TestAOneOffDyno:
    def test_waits_for_its_client(self):
        """An attached dyno is started by whoever attaches, within a minute."""
        waiting = life(State.STARTING, kind="run", is_attached=True, started_at=None)
        assert move(waiting, None) is None
        forgotten = replace(waiting, created_at=ago(61))
        assert isinstance(move(forgotten, None), End)

    def test_whose_client_has_come_waits_for_its_image(self):
        """Loading an image may take longer than the minute a client has to come."""
        claimed = life(
            State.STARTING, kind="run", is_attached=True, is_claimed=True, has_session=True,
            started_at=None, created_at=ago(200),
        )  # fmt: skip
        assert move(claimed, None) is None
        assert isinstance(move(replace(claimed, has_session=False), None), End)

    def test_that_runs_without_its_client_is_stopped(self):
        """After the supervisor began anew nobody is attached: it must not run for ever."""
        attached = life(State.UP, kind="run", is_attached=True, is_claimed=True, has_session=True)
        assert move(attached, container()) is None
        assert isinstance(move(replace(attached, has_session=False), container()), Terminate)

    def test_ends_with_its_status(self):
        """A command that ends is not started again, whatever its status."""
        assert move(life(State.UP, kind="run"), container("exited", 0)) == End(0, None)
        found = move(life(State.UP, kind="run"), container("exited", 3))
        assert isinstance(found, End)
        assert found.exit_status == 3

    def test_is_stopped_when_its_time_is_over(self):
        """`time_to_live` bounds a one-off dyno."""
        old = life(State.UP, kind="run", time_to_live=4)
        assert isinstance(move(old, container()), Terminate)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (container("exited", 1), "status 1"),
        (container("exited", 127), "not found"),
        (container("exited", 139), "SIGSEGV"),
        (container("exited", 137, out_of_memory=True), "memory"),
        (None, "gone"),
    ],
)
def test_a_cause_says_in_words_how_a_process_ended(ended, words):
    """Exit status, signal and memory are told apart."""
    assert words in cause(ended)["reason"]


def test_rests_grow_from_nothing_to_ten_minutes():
    """The first restart is at once; later ones wait longer, up to a bound."""
    rests = [rest_after(count).total_seconds() for count in range(1, 15)]
    assert rests[0] == 0
    assert rests == sorted(rests)
    assert rests[-1] == 600
