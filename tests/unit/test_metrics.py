"""Counting by the minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kedge.plan.metrics import (
    BUCKETS,
    Requests,
    Samples,
    bucket_of,
    minute_of_ns,
    percentile,
    step_of,
)


def histogram(*milliseconds: float) -> list[int]:
    """The histogram of these response times."""
    counted = [0] * BUCKETS
    for each in milliseconds:
        counted[bucket_of(each)] += 1
    return counted


@pytest.mark.parametrize("milliseconds", [2, 7, 30, 480, 5_000, 30_000])
def test_a_percentile_is_right_within_a_quarter(milliseconds):
    """What is read from the buckets is near what was counted."""
    found = percentile(histogram(*[milliseconds] * 50), 0.5)

    assert found is not None
    assert abs(found - milliseconds) / milliseconds < 0.25


def test_no_requests_have_no_percentile():
    """Nothing was measured, which is not zero."""
    assert percentile([0] * BUCKETS, 0.5) is None


def test_slow_ones_show_in_the_high_percentiles_alone():
    """Two slow requests in a hundred are above p95 and below p99."""
    counted = histogram(*[10] * 97, *[4_000] * 3)

    median, high, highest = (percentile(counted, share) for share in (0.5, 0.95, 0.99))
    assert median is not None
    assert high is not None
    assert highest is not None
    assert max(median, high) < 13
    assert highest > 3_000


def test_what_takes_for_ever_has_a_bucket():
    """The last bucket has no upper end, and what took no time is in the first."""
    assert bucket_of(10**9) == BUCKETS - 1
    assert bucket_of(0) == 0


def test_a_request_without_a_dyno_counts_without_a_time():
    """An H14 is a 5xx and a code, but nobody served it."""
    counted = Requests()
    counted.add(503, "H14", None, 0)
    counted.add(200, None, 12, 500)

    assert (counted.statuses, counted.codes) == ({"5xx": 1, "2xx": 1}, {"H14": 1})
    assert (sum(counted.histogram), counted.bytes) == (1, 500)


def test_samples_sum_up():
    """The mean follows from sum and number, the peak is kept."""
    samples = Samples("Standard-1X")
    samples.add(100, 0.5)
    samples.add(300, 0.1, ["R14"])

    assert samples.memory_mb_sum / samples.samples == 200
    assert samples.memory_mb_max == 300
    assert samples.codes == {"R14": 1}


def test_steps_are_whole_minutes():
    """A plot has at most as many points as asked for; of merged minutes, whole tens."""
    assert step_of(timedelta(hours=2), 120) == timedelta(minutes=1)
    assert step_of(timedelta(hours=2), 50) == timedelta(minutes=3)
    assert step_of(timedelta(days=7), 120) == timedelta(minutes=90)


def test_the_minute_of_a_line():
    """A line's time in nanoseconds lies in a minute, in UTC."""
    at = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)

    assert minute_of_ns(int(at.timestamp()) * 10**9 + 5) == at.replace(second=0)
