"""Schedules: what may be written, when it comes, and how it is said."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kedge_addons.errors import Refused
from kedge_addons.scheduler.schedule import Schedule, parse

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expression", "words"),
    [
        ("every 10 minutes", "*/10 * * * *", "Every 10 minutes"),
        ("Every  10 minutes", "*/10 * * * *", "Every 10 minutes"),
        ("hourly at :30", "30 * * * *", "Every hour at :30"),
        ("daily at 06:05", "5 6 * * *", "Every day at 06:05 UTC"),
        ("* * * * *", "* * * * *", "Every minute"),
        ("0 6 * * mon", "0 6 * * MON", "At 06:00 on Monday UTC"),
    ],
)
def test_what_may_be_written(written, expression, words):
    """Heroku's three intervals and cron expressions are schedules, and are said in words."""
    found = parse(written)
    assert (found.expression, found.words) == (expression, words)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "sometimes",
        "60 * * * *",
        "* * * *",
        "* * * * * *",
        "0 0 30 2 *",
        "hourly at :75",
        "daily at 24:00",
        "daily at 7",
        "@reboot",
        "1/0 * * * *",
        "* " * 80,
        "0 0 \x00 * *",
        "<script> * * * *",
    ],
)
def test_what_may_not(written):
    """Anything else, more than five fields, and what never comes are refused in words."""
    with pytest.raises(Refused) as refused:
        parse(written)
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("61 * * * *", "minute may be 0 to 59"), ("0 24 * * *", "hour may be 0 to 23"),
        ("0 0 32 * *", "day-of-month may be 1 to 31"), ("0 0 1 13 *", "month may be 1 to 12"),
        ("0 0 * * 8", "day-of-week may be 0 to 7"),
    ],
)  # fmt: skip
def test_the_wrong_field_is_named(written, field):
    """Who wrote a cron expression that cannot be is told which field, and what it may be."""
    with pytest.raises(Refused, match=field):
        parse(written)


def test_moments_are_in_utc():
    """A moment given in another zone is the same moment: schedules know UTC alone."""
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert Schedule("30 13 * * *").next_after(east) == NOON + timedelta(minutes=90)


def test_the_moment_itself_is_not_after_it_and_is_until_it():
    """A look at the very second of a slot has that slot behind it: none comes twice."""
    hourly = Schedule("0 * * * *")
    assert hourly.next_after(NOON) == NOON + timedelta(hours=1)
    assert hourly.last_until(NOON) == NOON
    assert hourly.last_until(NOON - timedelta(microseconds=1)) == NOON - timedelta(hours=1)
    assert hourly.between(NOON - timedelta(hours=1), NOON, 9) == [NOON]


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("*/10 * * * *", 10), ("*/7 * * * *", 4), ("0,1 5 * * *", 1), ("5 6 * * *", 1440)],
)
def test_the_finest_gap_counts(expression, minutes):
    """How often a job runs is its shortest gap, wherever in the year it is."""
    assert Schedule(expression).finest_minutes(NOON) == minutes
