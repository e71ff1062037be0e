"""Which backups are kept, what is wrong with them, and when the next one is due: pure decisions."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kedge_addons.postgres.backups import retention, snapshot
from kedge_addons.postgres.backups.rows import Kind, State, TransferRow
from kedge_addons.postgres.backups.schedules import next_after

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIMITS = {"backups": 2, "backup_days": 7}


def row(num, *, days=0.0, state=State.VERIFIED, kind=Kind.BACKUP, is_scheduled=False):
    return TransferRow(
        id=uuid.uuid4(),
        num=num,
        state=state,
        kind=kind,
        is_scheduled=is_scheduled,
        reason="The disk is full.",
        created_at=NOW - timedelta(days=days),
    )


def gone(*rows):
    return sorted(each.num for each in retention.superfluous(rows, LIMITS, NOW))


def test_by_hand_the_newest_are_kept():
    """A third one is one too many for a plan with two; daily ones do not count."""
    assert gone(row(1, days=9), row(2, days=8), row(3, days=7), row(4, is_scheduled=True)) == [1]


def test_daily_ones_are_kept_for_days():
    """Older than the plan's days they go, but never the newest verified one."""
    old = [row(n, days=20 - n, is_scheduled=True) for n in (1, 2, 3)]
    assert gone(*old) == [1, 2]
    assert gone(*old, row(4, is_scheduled=True)) == [1, 2, 3]


def test_what_failed_is_told_for_a_month_and_what_goes_on_is_left_alone():
    """Failed ones never push out green ones."""
    assert gone(row(1, days=31, state=State.FAILED), row(2, days=29, state=State.FAILED),
                row(3, days=31, state=State.VERIFYING), row(4), row(5),
                row(6, days=31, kind=Kind.RESTORE, state=State.SUCCEEDED)) == [1, 6]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "scheduled_days", "words"),
    [
        ([], None, []),
        ([], 0.5, []),
        ([], 2, ["No backup was ever verified"]),
        ([row(2), row(1, state=State.FAILED)], 2, []),
        ([row(2, state=State.FAILED), row(1)], 2, ["b002, failed: The disk is full."]),
        ([row(2, state=State.CANCELED), row(1)], 2, []),
        ([row(2, state=State.VERIFYING), row(1, days=2)], 9, ["since 2026-11-19 12:00 UTC"]),
    ],
)
def test_what_is_wrong_with_backups(rows, scheduled_days, words):
    """The newest failed, or none was verified for a day though one is due daily."""
    since = None if scheduled_days is None else NOW - timedelta(days=scheduled_days)
    found = retention.problems(rows, since, NOW)
    assert len(found) == len(words)
    assert all(word in problem for word, problem in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("moment", "hour", "zone", "expected"),
    [
        ("2026-11-21T12:00", 13, "UTC", "2026-11-21T13:00"),
        ("2026-11-21T13:00", 13, "UTC", "2026-11-22T13:00"),
        ("2026-07-01T23:30", 2, "Europe/Zurich", "2026-07-02T00:00"),
        ("2026-03-29T00:30", 2, "Europe/Zurich", "2026-03-29T01:00"),  # 02:00 is skipped there
        ("2026-10-25T00:30", 2, "Europe/Zurich", "2026-10-26T01:00"),  # 02:00 was twice there
        ("2026-11-21T12:00", 0, "Pacific/Auckland", "2026-11-22T11:00"),
    ],
)
def test_when_the_next_daily_backup_is_due(moment, hour, zone, expected):
    """The next time it is that hour there, once a day whatever the clocks do."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert next_after(at, hour, ZoneInfo(zone)).isoformat()[:16] == expected


def test_differences_are_named():
    """The first table that differs, with both numbers; a missing one by its name."""
    assert snapshot.difference({"a.b": 1}, {"a.b": 1}) is None
    assert snapshot.difference({"a.b": 1, "a.c": 2}, {"a.b": 1}) == (
        "1 of 2 tables are missing, such as a.c."
    )
    assert "a.b has 0 rows when restored; there were 1" in snapshot.difference(
        {"a.b": 1}, {"a.b": 0}
    )
