"""Daily backups: when, and the rows that say so."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from kedge_addons.database import Database
from kedge_addons.errors import Refused, Unknown
from kedge_addons.postgres.backups.rows import Kind, ScheduleRow
from kedge_addons.postgres.backups.transfers import Asked, Transfers
from kedge_addons.resource import Resource, ResourceRow
from kedge_addons.resource import State as ResourceState

HOURS = range(24)


def zone_of(name: object) -> ZoneInfo:
    """A time zone by name. Raises Refused."""
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        words = f"There is no time zone {str(name)[:60]!r}; they are like Europe/Zurich, or UTC."
        raise Refused(words) from None


def next_after(moment: datetime, hour: int, zone: ZoneInfo) -> datetime:
    """The next time it is that hour there. An hour that a clock change skips comes later."""
    day = moment.astimezone(zone).date()
    candidates = (
        datetime.combine(day + timedelta(days=more), datetime.min.time(), zone).replace(hour=hour)
        for more in range(3)
    )
    return next(at for each in candidates if (at := each.astimezone(UTC)) > moment)


class Schedules:
    """All schedules of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, resource_id: uuid.UUID) -> list[ScheduleRow]:
        """The schedules of a resource."""
        query = select(ScheduleRow).where(ScheduleRow.resource_id == resource_id)
        with self._database.transaction() as tx:
            return list(tx.scalars(query.order_by(ScheduleRow.created_at)))

    def set(
        self, resource: Resource, owner: str, name: str, hour: object, timezone: object
    ) -> ScheduleRow:
        """Have a backup made daily at that hour; another one of that name is changed.

        Raises:
            Refused: there is no such hour or time zone.
        """
        if isinstance(hour, bool) or not isinstance(hour, int) or hour not in HOURS:
            raise Refused("hour must be a whole number from 0 to 23.")
        zone = zone_of(timezone)
        when = {"hour": hour, "timezone": zone.key,
                "next_at": next_after(datetime.now(UTC), hour, zone)}  # fmt: skip
        key = {"resource_id": resource.id, "name": name[:120]}
        with self._database.transaction() as tx:
            statement = insert(ScheduleRow).values(id=uuid.uuid4(), owner=owner, **key, **when)
            changed = statement.on_conflict_do_update(index_elements=list(key), set_=when)
            tx.execute(changed)
            return tx.scalars(select(ScheduleRow).filter_by(**key)).one()

    def remove(self, resource_id: uuid.UUID, schedule_id: uuid.UUID | None) -> None:
        """Make no more backups by it. Raises Unknown."""
        chosen = delete(ScheduleRow).where(
            ScheduleRow.resource_id == resource_id, ScheduleRow.id == schedule_id
        )
        with self._database.transaction() as tx:
            if not tx.execute(chosen.returning(ScheduleRow.id)).all():
                raise Unknown("There is no such schedule of backups.")

    def remove_all(self, resource_id: uuid.UUID) -> None:
        """Those of a resource that is gone."""
        with self._database.transaction() as tx:
            tx.execute(delete(ScheduleRow).where(ScheduleRow.resource_id == resource_id))

    def queue_due(self, transfers: Transfers, now: datetime) -> int:
        """Queue the backups that are due; after an absence one of each. How many."""
        due = select(ScheduleRow, ResourceRow).where(ScheduleRow.next_at <= now)
        due = due.join(ResourceRow, ResourceRow.id == ScheduleRow.resource_id)
        queued = 0
        with self._database.transaction() as tx:
            for row, resource in tx.execute(due.with_for_update(skip_locked=True, of=ScheduleRow)):
                row.next_at = next_after(now, row.hour, zone_of(row.timezone))
                if resource.state == ResourceState.READY:
                    transfers.begin_in(tx, Asked(
                        kind=Kind.BACKUP, resource_id=row.resource_id, owner=row.owner,
                        from_name=resource.name, to_name=resource.name, is_scheduled=True,
                    ))  # fmt: skip
                    queued += 1
        return queued
