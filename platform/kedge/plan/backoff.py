"""How long a crashed dyno rests before it is started again."""

from __future__ import annotations

from datetime import timedelta

# The first restart is at once, as on Heroku; then ever rarer, so that an app that cannot run
# does not eat the machine.
RESTS = (0, 2, 5, 10, 20, 40, 60, 120, 300, 600)
STEADY = timedelta(minutes=10)


def rest_after(crash_count: int) -> timedelta:
    """The rest after so many crashes in a row (1 for the first)."""
    return timedelta(seconds=RESTS[min(max(crash_count, 1), len(RESTS)) - 1])
