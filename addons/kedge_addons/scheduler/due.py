"""What is to be done about the moments of a schedule that have come: pure decisions.

Each moment becomes exactly one of these: a run; a run that was missed, because nobody looked for
too long; a run that was skipped, because the one before it still goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kedge_addons.scheduler.schedule import Schedule

# How late a run may begin. Later ones would surprise: a report of 06:00 made at noon.
LATE = timedelta(minutes=5)
COUNTED = 10_000


class Verdict(StrEnum):
    """What becomes of a moment."""

    RUN = "run"
    MISSED = "missed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict, on one moment or on several in a row.

    Args:
        verdict: what becomes of them.
        slot: the (first) moment.
        until: the last moment; `slot` where it is one.
        count: how many there are, at most `COUNTED`.
    """

    verdict: Verdict
    slot: datetime
    until: datetime
    count: int = 1


def decide(
    schedule: Schedule, considered_until: datetime, now: datetime, *, is_busy: bool
) -> list[Decision]:
    """The verdicts on all moments with considered_until < moment <= now, the oldest first.

    Only the newest of them may run, and only when it is at most `LATE` ago: whoever was away
    does not make up for it with a crowd of dynos.
    """
    moments = schedule.between(considered_until, now, COUNTED)
    newest = schedule.last_until(now) if moments else None
    if newest is None:
        return []
    if now - newest > LATE:
        return [_missed(moments, newest)]
    earlier = [moment for moment in moments if moment < newest]
    verdict = Verdict.SKIPPED if is_busy else Verdict.RUN
    latest = Decision(verdict, newest, newest)
    return [*([_missed(earlier, earlier[-1])] if earlier else []), latest]


def _missed(moments: list[datetime], until: datetime) -> Decision:
    return Decision(Verdict.MISSED, moments[0], until, len(moments))
