"""What becomes of each moment of a schedule: a run, missed, or skipped; and how runs go on."""

from datetime import UTC, datetime, timedelta

import pytest

from kedge_addons.scheduler import progress
from kedge_addons.scheduler.due import LATE, Verdict, decide
from kedge_addons.scheduler.progress import State
from kedge_addons.scheduler.schedule import Schedule

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOURLY, MINUTELY = Schedule("0 * * * *"), Schedule("* * * * *")
MINUTE = timedelta(minutes=1)


def said(schedule, since, now, *, is_busy=False):
    return [
        (each.verdict, each.slot, each.count)
        for each in decide(schedule, since, now, is_busy=is_busy)
    ]


def test_what_has_not_come_is_not_due():
    """Before its moment nothing is decided."""
    assert said(HOURLY, NOON, NOON + 59 * MINUTE) == []


def test_a_moment_that_came_runs():
    """At its moment, and for as long as it is not too late, a run is due."""
    for late in (timedelta(0), timedelta(seconds=7), LATE):
        assert said(HOURLY, NOON - MINUTE, NOON + late) == [(Verdict.RUN, NOON, 1)]


def test_a_moment_is_decided_once():
    """What was considered is not considered again, also when the clock was set back."""
    assert said(HOURLY, NOON, NOON) == []
    assert said(HOURLY, NOON + MINUTE, NOON) == []


def test_a_run_that_comes_too_late_is_missed():
    """Six minutes after its moment a run would surprise: it is reported as missed."""
    assert said(HOURLY, NOON - MINUTE, NOON + LATE + MINUTE) == [(Verdict.MISSED, NOON, 1)]


def test_whoever_was_away_runs_the_newest_alone():
    """After an absence the newest moment may run; those before are missed, as one entry."""
    assert said(HOURLY, NOON - timedelta(hours=5, minutes=1), NOON + MINUTE) == [
        (Verdict.MISSED, NOON - timedelta(hours=5), 5),
        (Verdict.RUN, NOON, 1),
    ]


def test_a_long_absence_is_one_entry():
    """A month away from a job of every minute is one entry, and its count is bounded."""
    (first, second) = decide(MINUTELY, NOON - timedelta(days=30), NOON, is_busy=False)
    assert (first.verdict, first.until) == (
        Verdict.MISSED,
        NOON - timedelta(days=30) + 9999 * MINUTE + MINUTE,
    )
    assert (first.count, second.slot) == (10_000, NOON)


def test_a_run_beside_a_run_is_skipped():
    """While the run before goes, the next moment is skipped and said so."""
    assert said(HOURLY, NOON - MINUTE, NOON, is_busy=True) == [(Verdict.SKIPPED, NOON, 1)]


@pytest.mark.parametrize("split", [1, 7, 23])
def test_every_moment_gets_one_verdict(split):
    """However often and irregularly it is looked at, no moment is lost and none comes twice."""
    end, considered, count = NOON + 120 * MINUTE, NOON, 0
    while considered < end:
        now = min(end, considered + split * MINUTE + timedelta(seconds=13))
        count += sum(each.count for each in decide(MINUTELY, considered, now, is_busy=False))
        considered = now
    assert count == 120


def test_a_dyno_that_goes_is_a_run_that_goes():
    """A run follows its dyno, with its name and its beginning."""
    step = progress.seen({"name": "scheduler.7", "state": "up", "exit_status": None,
                          "started_at": "2026-03-04T12:00:01Z"}, NOON)  # fmt: skip
    assert (step.state, step.dyno, step.started_at) == (
        State.RUNNING, "scheduler.7", NOON + timedelta(seconds=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, State.SUCCEEDED), (1, State.FAILED), (137, State.FAILED), (None, State.UNKNOWN),
     (True, State.UNKNOWN), ("0", State.UNKNOWN)],
)  # fmt: skip
def test_the_exit_status_decides(status, state):
    """0 is a success, another a failure, and what is not known is said to be unknown."""
    step = progress.seen({"name": "scheduler.7", "state": "ended", "exit_status": status}, NOON)
    assert (step.state, step.ended_at) == (state, NOON)


def test_a_run_nobody_started_is_started_while_it_is_time():
    """A crash between deciding and starting loses nothing for as long as it is not too late."""
    assert progress.absent(State.STARTING, NOON, NOON + LATE, None) is None


def test_a_run_nobody_started_in_time_is_missed():
    """Too late it is missed, with what stood in the way."""
    step = progress.absent(State.STARTING, NOON, NOON + LATE + MINUTE, "No answer.")
    assert step.state == State.MISSED
    assert step.reason.endswith("No answer.")


def test_a_run_whose_dyno_is_forgotten_is_unknown():
    """It ran, and how it ended cannot be told: that is what is said."""
    assert progress.absent(State.RUNNING, NOON, NOON, None).state == State.UNKNOWN


def test_looks_grow_seldom():
    """A young run is looked at every two seconds, one of hours every thirty."""
    assert progress.pause(NOON, NOON) == timedelta(seconds=2)
    assert progress.pause(NOON, NOON + timedelta(hours=3)) == timedelta(seconds=30)
