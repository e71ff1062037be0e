"""Docker's time stamps, exact to the nanosecond."""

from __future__ import annotations

import calendar
import time

NANOSECONDS = 1_000_000_000
NEVER = "0001-01-01T00:00:00Z"


def nanoseconds(stamp: str) -> int:
    """`2026-11-20T19:19:05.945609123Z` as nanoseconds since 1970. Raises ValueError."""
    moment, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))
    return seconds * NANOSECONDS + int(fraction.ljust(9, "0")[:9] or 0)


def nanoseconds_or_none(stamp: str) -> int | None:
    """The same, None for the stamp that stands for never."""
    return None if stamp in {"", NEVER} else nanoseconds(stamp)


def since(at_ns: int) -> str:
    """The form the log API takes: a float would lose the nanoseconds."""
    return f"{at_ns // NANOSECONDS}.{at_ns % NANOSECONDS:09d}"
