"""How a run goes on, from what the platform says of its dyno: pure decisions.

The dyno of a run has the run's own id, so asking for it twice starts it once, and whoever comes
after a crash can tell whether it was started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kedge_addons.scheduler.due import LATE


class State(StrEnum):
    """Where a run stands; all but the first two are the end."""

    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"  # the platform would not start it, and says why
    MISSED = "missed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # it ran, and nobody can say how it ended


GOING = (State.STARTING, State.RUNNING)
BAD = (State.FAILED, State.REFUSED, State.MISSED, State.SKIPPED, State.UNKNOWN)
ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands after a look, and what is known with that."""

    state: State
    reason: str | None = None
    dyno: str | None = None
    exit_status: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def is_too_late(slot: datetime, now: datetime) -> bool:
    """Whether a run that is not started yet may not be started any more."""
    return now - slot > LATE


def seen(answer: Mapping[str, Any], now: datetime) -> Step:
    """What the platform's answer about the dyno means."""
    dyno = str(answer.get("name") or "") or None
    started_at = _moment(answer.get("started_at")) or _moment(answer.get("created_at"))
    if answer.get("state") != ENDED:
        return Step(State.RUNNING, dyno=dyno, started_at=started_at)
    status = answer.get("exit_status")
    ended_at = _moment(answer.get("ended_at")) or now
    if not isinstance(status, int) or isinstance(status, bool):
        reason = "The dyno ended, and its exit status is not known."
        return Step(State.UNKNOWN, reason, dyno, None, started_at, ended_at)
    state = State.SUCCEEDED if status == 0 else State.FAILED
    return Step(state, words_of(status), dyno, status, started_at, ended_at)


def absent(state: State, slot: datetime, now: datetime, because: str | None) -> Step | None:
    """What it means that the platform knows no such dyno; None: start it.

    Args:
        state: where the run stood.
        slot: when it was due.
        now: the moment of this look.
        because: what stood in the way before, in words.
    """
    if state == State.RUNNING:
        reason = "The platform does not know its dyno any more; nobody can say how it ended."
        return Step(State.UNKNOWN, reason, ended_at=now)
    if is_too_late(slot, now):
        minutes = int(LATE.total_seconds() // 60)
        reason = f"It could not be started within {minutes} minutes. {because or ''}".strip()
        return Step(State.MISSED, reason)
    return None


def words_of(status: int) -> str | None:
    """An exit status in words (https://devcenter.heroku.com/articles/dynos#one-off-dynos)."""
    known = {
        124: "It was ended: it may run for a day.",
        126: "The command may not be executed.",
        127: "There is no such command.",
        137: "It was killed: out of memory, stopped, or it ran for longer than a day.",
        143: "It was stopped.",
    }
    return known.get(status)


def pause(started_at: datetime, now: datetime) -> timedelta:
    """How long until the next look at a run that goes: seldom at one that goes for long."""
    seconds = (now - started_at).total_seconds() / 20
    return timedelta(seconds=min(30.0, max(2.0, seconds)))


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
