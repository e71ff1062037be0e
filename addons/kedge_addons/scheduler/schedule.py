"""When a job runs: a cron expression of five fields, in UTC, or one of Heroku's three intervals.

The intervals are those of https://devcenter.heroku.com/articles/scheduler: every 10 minutes, every
hour at a minute, every day at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

from kedge_addons.errors import Refused

LIMIT_CHARACTERS = 100
FIELDS = 5
SAMPLED_RUNS = 200
SAMPLED = timedelta(days=400)  # a year has every day and hour there is

# What a field may be, by what cronsim calls it.
FIELD = {
    "minute": "0 to 59, `*`, a list, a range or a step such as `*/10`",
    "hour": "0 to 23, in UTC",
    "day-of-month": "1 to 31, or L for the last, and must be in one of the months",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday), or SUN to SAT",
}
_HOURLY = re.compile(r"hourly(?: at)? :?(\d{1,2})")
_DAILY = re.compile(r"daily(?: at)? (\d{1,2}):(\d{2})")
_PLAIN = re.compile(r"(\d{1,2}) (\d{1,2}|\*) \* \* \*")
_EVERY = re.compile(r"\*(?:/(\d{1,2}))? \* \* \* \*")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Moments in UTC, by a cron expression that was checked."""

    expression: str

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment after that one; None when there will be no more (in 50 years)."""
        return next(self._moments(moment), None)

    def last_until(self, moment: datetime) -> datetime | None:
        """The last moment that is not after that one."""
        after = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        return next(CronSim(self.expression, after, reverse=True), None)

    def between(self, after: datetime, until: datetime, at_most: int) -> list[datetime]:
        """The first moments with after < moment <= until."""
        found = []
        for moment in islice(self._moments(after), at_most):
            if moment > until:
                break
            found.append(moment)
        return found

    def finest_minutes(self, since: datetime) -> int | None:
        """The shortest time between two moments in the year after; None where there is one."""
        moments = self.between(since, since + SAMPLED, SAMPLED_RUNS)
        gaps = [after - before for before, after in pairwise(moments)]
        return int(min(gaps).total_seconds() // 60) if gaps else None

    @property
    def words(self) -> str:
        """The schedule as people say it."""
        if every := _EVERY.fullmatch(self.expression):
            return "Every minute" if every[1] in {None, "1"} else f"Every {int(every[1])} minutes"
        if plain := _PLAIN.fullmatch(self.expression):
            minute = int(plain[1])
            if plain[2] == "*":
                return f"Every hour at :{minute:02}"
            return f"Every day at {int(plain[2]):02}:{minute:02} UTC"
        return f"{CronSim(self.expression, datetime.now(UTC)).explain()} UTC"

    def _moments(self, after: datetime) -> CronSim:
        return CronSim(self.expression, after.astimezone(UTC))


def parse(text: str) -> Schedule:
    """A schedule as somebody wrote it.

    Args:
        text: `every 10 minutes`, `hourly at :30`, `daily at 06:00`, or a cron expression of five
            fields (minute, hour, day of the month, month, day of the week), in UTC.

    Raises:
        Refused: it is none of these, or never comes.
    """
    said = " ".join(text.lower().split())
    if len(said) > LIMIT_CHARACTERS:
        raise Refused(f"A schedule has up to {LIMIT_CHARACTERS} characters.")
    if said == "every 10 minutes":
        return Schedule("*/10 * * * *")
    if hourly := _HOURLY.fullmatch(said):
        return _checked(f"{int(hourly[1])} * * * *")
    if daily := _DAILY.fullmatch(said):
        return _checked(f"{int(daily[2])} {int(daily[1])} * * *")
    if len(said.split(" ")) != FIELDS:
        raise Refused(
            "A schedule is `every 10 minutes`, `hourly at :30`, `daily at 06:00`, or the five "
            "fields of a cron expression, such as `0 6 * * 1` (Mondays at 06:00 UTC)."
        )
    return _checked(said.upper())


def _checked(expression: str) -> Schedule:
    try:
        found = Schedule(expression).next_after(datetime.now(UTC))
    except CronSimError as error:
        wrong = str(error).lower().removeprefix("bad ")
        known = f"the {wrong} may be {FIELD[wrong]}" if wrong in FIELD else str(error).lower()
        raise Refused(f"`{expression}` is no cron expression: {known}.") from None
    if found is None:
        raise Refused(f"`{expression}` never comes.")
    return Schedule(expression)
