"""How numbers of databases and steps of backups are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kedge.dashboard import words
from kedge.ops.backups import Transfer
from kedge.ops.databases import POSTGRES

NEARLY, FULL = 75, 90
STEP, UNITS = 1024, ("B", "KB", "MB", "GB", "TB")
LETTERS = {"backup": "b", "restore": "r", "copy": "c"}
OPEN = frozenset({"queued", "running", "verifying"})


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of a limit is used; `percent` None where that is not known."""

    name: str
    said: str
    percent: float | None

    @property
    def tone(self) -> str:
        """The fuller, the louder."""
        if self.percent is None or self.percent < NEARLY:
            return "good"
        return "busy" if self.percent < FULL else "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """A backup, restore or copy as a row of the page."""

    id: str
    name: str
    kind: str
    state: str
    what: str
    detail: str
    begun_at: datetime | None
    ended_at: datetime | None
    percent: float | None
    is_scheduled: bool

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state in OPEN

    @property
    def is_green(self) -> bool:
        """Whether it is a backup that was proved by a restore."""
        return self.kind == "backup" and self.state == "verified"


def bars(service: str, told: Mapping[str, Any]) -> list[Bar]:
    """What is used of the plan's limits."""
    usage, limits = told.get("usage") or {}, told.get("limits") or {}
    memory_limit = int(limits.get("memory_mb") or 0) * 2**20
    connections = _counted(usage.get("connections"), usage.get("connection_limit"))
    if service == POSTGRES:
        return [
            _sized("Size", usage.get("size_bytes"), usage.get("size_limit_bytes")),
            connections,
            _sized("Memory", usage.get("memory_bytes"), memory_limit),
        ]
    limit = usage.get("memory_limit_bytes") or memory_limit
    return [_sized("Memory", usage.get("memory_bytes"), limit), connections]


def facts(service: str, told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The few numbers one looks for first."""
    health, usage = told.get("health") or {}, told.get("usage") or {}
    hit = health.get("cache_hit_percent") if service == POSTGRES else _percent(usage)
    known = {
        "Version": told.get("version"),
        "Cache hits": None if hit is None else f"{hit:g} %",
        "Keys": usage.get("keys"),
        "Waiting for locks": health.get("waiting"),
        "Deadlocks": health.get("deadlocks"),
        "Restarts": health.get("restarts"),
    }
    return [(name, f"{value}") for name, value in known.items() if value is not None]


def line(transfer: Transfer) -> Line:
    """A transfer as a row."""
    told = transfer.told
    kind, state = str(told.get("kind")), transfer.state
    return Line(
        id=str(told.get("id")),
        name=f"{LETTERS.get(kind, 'b')}{transfer.number:03}",
        kind=kind,
        state=state,
        what=_what(kind, told),
        detail=_detail(kind, state, told),
        begun_at=_moment(told.get("created_at")),
        ended_at=_moment(told.get("finished_at")),
        percent=_progress(kind, state, told),
        is_scheduled=bool(told.get("is_scheduled")),
    )


def _what(kind: str, told: Mapping[str, Any]) -> str:
    if kind == "restore":
        return f"Restore of {told.get('from_name')}"
    if kind == "copy":
        return f"Copy of {told.get('from_name')}"
    return "Daily backup" if told.get("is_scheduled") else "Backup"


def _detail(kind: str, state: str, told: Mapping[str, Any]) -> str:
    kept, source = size(told.get("size_bytes")), size(told.get("source_bytes"))
    if state == "failed":
        return str(told.get("reason") or "")
    if state == "verified":
        return (
            f"{kept}; {told.get('rows') or 0:,} rows in "
            f"{words.count(int(told.get('tables') or 0), 'table')}, "
            f"restored to prove it in {_seconds(told.get('restore_seconds'))}"
        )
    if state == "verifying":
        return f"Restoring {kept} into a throw-away server, to count its rows"
    if state == "running" and kind == "backup":
        return f"{size(told.get('processed_bytes')) or '0 B'} written of {source or '…'}"
    if state == "succeeded":
        return f"{told.get('rows') or 0:,} rows in {_seconds(told.get('restore_seconds'))}"
    return ""


def _progress(kind: str, state: str, told: Mapping[str, Any]) -> float | None:
    """How much of the step that goes on is done, in percent, where that is known."""
    if state == "verifying" or (state == "running" and kind == "restore"):
        return _share(told.get("restored_bytes"), told.get("size_bytes"))
    return None


def size(number: Any) -> str:
    """`12.3 MB`, of 1,024 as plans count; nothing for None."""
    if number is None:
        return ""
    left, unit = float(number), 0
    while left >= STEP and unit < len(UNITS) - 1:
        left, unit = left / STEP, unit + 1
    return f"{left:.0f} {UNITS[unit]}" if unit == 0 or left >= 100 else f"{left:.1f} {UNITS[unit]}"


def _sized(name: str, used: Any, limit: Any) -> Bar:
    of = f" of {size(limit)}" if limit else ""
    return Bar(name, f"{size(used) or 'unknown'}{of}", _share(used, limit))


def _counted(used: Any, limit: Any) -> Bar:
    of = f" of {limit}" if limit else ""
    said = "unknown" if used is None else f"{used}{of}"
    return Bar("Connections", said, _share(used, limit))


def _share(used: Any, limit: Any) -> float | None:
    if used is None or not limit:
        return None
    return round(min(100.0, 100.0 * float(used) / float(limit)), 1)


def _percent(usage: Mapping[str, Any]) -> float | None:
    rate = usage.get("hit_rate")
    return None if rate is None else round(100 * float(rate), 1)


def _seconds(number: Any) -> str:
    return f"{float(number or 0):.1f} s"


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
