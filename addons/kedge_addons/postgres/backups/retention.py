"""Which backups are kept: pure decisions over what there is.

Daily ones for so many days, those made by hand up to a number; the newest that was verified always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kedge_addons.postgres.backups.rows import ENDED, Kind, State, TransferRow

# How long it is told what failed, was canceled, restored or copied.
TOLD_DAYS = 30
CHECK_EVERY = timedelta(hours=24)
LATE = timedelta(hours=26)


def superfluous(
    rows: Sequence[TransferRow], limits: Mapping[str, int], now: datetime
) -> list[TransferRow]:
    """The transfers of one resource that are to be removed.

    Args:
        rows: all of them.
        limits: of its plan: `backup_days`, `backups`.
        now: the moment.
    """
    green = sorted((row for row in rows if row.kind == Kind.BACKUP and row.state == State.VERIFIED),
                   key=lambda row: row.created_at, reverse=True)  # fmt: skip
    by_hand = [row for row in green if not row.is_scheduled]
    days = timedelta(days=limits["backup_days"])
    over = [
        *by_hand[limits["backups"] :],
        *(row for row in green if row.is_scheduled and row.created_at < now - days),
    ]
    told = now - timedelta(days=TOLD_DAYS)
    over += [row for row in rows if row not in green and row.state in ENDED
             and row.created_at < told]  # fmt: skip
    return [row for row in over if row not in green[:1]]


def expires_at(row: TransferRow, limits: Mapping[str, int]) -> datetime | None:
    """When a daily backup is removed; None for others."""
    if row.kind != Kind.BACKUP or not row.is_scheduled or row.state != State.VERIFIED:
        return None
    return row.created_at + timedelta(days=limits["backup_days"])


def is_due_for_check(row: TransferRow, now: datetime) -> bool:
    """Whether it is to be looked at where it is kept."""
    return row.checked_at is None or row.checked_at < now - CHECK_EVERY


def problems(
    rows: Sequence[TransferRow], scheduled_since: datetime | None, now: datetime
) -> list[str]:
    """What somebody should look at, in words.

    Args:
        rows: the transfers of a resource, the newest first.
        scheduled_since: when its oldest schedule was made; None: it has none.
        now: the moment.
    """
    backups = [row for row in rows if row.kind == Kind.BACKUP]
    verified = next((row for row in backups if row.state == State.VERIFIED), None)
    found = []
    newest = next((row for row in backups if row.state in (State.VERIFIED, State.FAILED)), None)
    if newest is not None and newest.state == State.FAILED:
        found.append(f"The newest backup, b{newest.num:03}, failed: {newest.reason}")
    late = now - LATE
    if scheduled_since is not None and scheduled_since < late:
        if verified is None:
            found.append("No backup was ever verified, though one is due every day.")
        elif verified.created_at < late:
            since = f"{verified.created_at:%Y-%m-%d %H:%M} UTC"
            found.append(f"No backup was verified since {since}, though one is due every day.")
    return found
