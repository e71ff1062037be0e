"""Transfers and schedules as the platform is told them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kedge_addons.postgres.backups import retention
from kedge_addons.postgres.backups.rows import ScheduleRow, TransferRow
from kedge_addons.postgres.backups.transfers import lines

AS_THEY_ARE = (
    "num", "kind", "state", "reason", "is_scheduled", "from_name", "to_name", "size_bytes",
    "processed_bytes", "restored_bytes", "source_bytes", "sha256", "store", "tables", "rows",
    "dump_seconds", "restore_seconds", "attempts",
)  # fmt: skip
MOMENTS = ("created_at", "started_at", "finished_at", "checked_at")


def transfer(
    row: TransferRow, limits: Mapping[str, int], *, with_log: bool = False
) -> dict[str, Any]:
    """A transfer; `limits` are those of its plan."""
    shown = {name: getattr(row, name) for name in AS_THEY_ARE}
    shown |= {name: _iso(getattr(row, name)) for name in MOMENTS}
    shown |= {"id": str(row.id), "expires_at": _iso(retention.expires_at(row, limits))}
    return shown | ({"log": list(lines(row))} if with_log else {})


def schedule(row: ScheduleRow, newest: TransferRow | None) -> dict[str, Any]:
    """A schedule, with what became of the newest daily backup."""
    return {
        "id": str(row.id),
        "name": row.name,
        "hour": row.hour,
        "timezone": row.timezone,
        "next_at": _iso(row.next_at),
        "last_at": _iso(newest.created_at) if newest else None,
        "last_state": newest.state if newest else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
