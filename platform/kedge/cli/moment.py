"""Times of the API as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (10**12, 86400, "day"))


def parsed(stamp: str) -> datetime:
    """An API time stamp (`2012-01-01T12:00:00Z`)."""
    return datetime.fromisoformat(stamp)


def ago(stamp: str | None, *, now: datetime | None = None) -> str:
    """`just now`, `3 minutes ago`, `2 days ago`; after 30 days the date."""
    if not stamp:
        return ""
    then = parsed(stamp)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 5:
        return "just now"
    if seconds > 30 * 86400:
        return then.astimezone().strftime("%Y-%m-%d")
    _, unit, name = next(step for step in _STEPS if seconds < step[0])
    number = int(seconds // unit)
    return f"{number} {name}{'s' if number != 1 else ''} ago"


def local(stamp: str | None) -> str:
    """`2026-01-31 12:00:05` in the time zone of this machine."""
    return parsed(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S") if stamp else ""
