"""Counting requests and samples by the minute: pure sums, merged without loss.

Response times go into buckets that grow by a quarter each, from 1 ms to above ten minutes, so that
a percentile read from them is right within an eighth, whatever is merged with what.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

GROWTH = 1.25
BUCKETS = 62  # the last one holds all above 1.25 ** 61 ms, 13 minutes
MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=7)
# Older minutes are merged: a plot of seven days has no point for each of ten thousand.
FINE = timedelta(hours=25)
COARSE = timedelta(minutes=10)


def bucket_of(milliseconds: float) -> int:
    """The bucket a response time falls in: number n holds those up to GROWTH ** n."""
    if milliseconds <= 1:
        return 0
    return min(math.ceil(math.log(milliseconds, GROWTH) - 1e-9), BUCKETS - 1)


def percentile(histogram: Sequence[int], share: float) -> float | None:
    """The response time in ms below which this share of requests lies; None without requests.

    Within a bucket it is taken as if the requests were spread evenly over it.
    """
    total = sum(histogram)
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket, count in enumerate(histogram):
        if count and seen + count >= wanted:
            low = GROWTH ** (bucket - 1) if bucket else 0.0
            return low + (GROWTH**bucket - low) * (wanted - seen) / count
        seen += count
    return GROWTH ** (BUCKETS - 1)


def minute_of(moment: datetime) -> datetime:
    """The minute a moment lies in."""
    return moment.replace(second=0, microsecond=0)


def minute_of_ns(at_ns: int) -> datetime:
    """The same, of nanoseconds since 1970."""
    return minute_of(datetime.fromtimestamp(at_ns // 1_000_000_000, UTC))


def step_of(span: timedelta, points: int) -> timedelta:
    """How long each point of a plot over this span lasts: whole minutes, and at most `points`.

    Where minutes have been merged a step is a multiple of what they were merged to.
    """
    unit = MINUTE if span <= FINE else COARSE
    return unit * max(1, math.ceil(span / (unit * points)))


@dataclass(slots=True)
class Requests:
    """Requests of an app in one minute, while they are counted."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    histogram: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    bytes: int = 0

    def add(self, status: int, code: str | None, service_ms: int | None, sent_bytes: int) -> None:
        """Count one request. One that reached no dyno has no service time."""
        self.statuses[f"{status // 100}xx"] += 1
        if code:
            self.codes[code] += 1
        if service_ms is not None:
            self.histogram[bucket_of(service_ms)] += 1
        self.bytes += sent_bytes


@dataclass(slots=True)
class Samples:
    """What a dyno used in one minute, while it is sampled."""

    size: str
    samples: int = 0
    memory_mb_sum: float = 0.0
    memory_mb_max: float = 0.0
    cpu_sum: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, memory_mb: float, cpu: float, codes: Iterable[str] = ()) -> None:
        """Count one sample; `cpu` in processors."""
        self.samples += 1
        self.memory_mb_sum += memory_mb
        self.memory_mb_max = max(self.memory_mb_max, memory_mb)
        self.cpu_sum += cpu
        self.codes.update(codes)
