"""Rows of resources as services see them: found, and what is kept of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from kedge_addons.database import Database
from kedge_addons.errors import Gone, Unknown
from kedge_addons.keys import Keys
from kedge_addons.resource import Resource, ResourceRow, State

# Removed ones are known for so long, to answer "gone" to whoever asks again.
REMEMBERED = timedelta(days=30)
GONE = (State.LEAVING, State.RESTING, State.REMOVED, State.FAILED)


class Resources:
    """All resources of one installation."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database, self._keys = database, keys

    def find(self, service: str, resource_id: uuid.UUID | None) -> Resource:
        """A resource of a service that is alive.

        Raises:
            Unknown: there never was one.
            Gone: it was removed, or rests.
        """
        with self._database.transaction() as tx:
            row = tx.get(ResourceRow, resource_id) if resource_id else None
            if row is None or row.service != service:
                raise Unknown("There is no such resource.")
            if row.state in GONE:
                raise Gone(f"{row.name} was destroyed.")
            return self.seen(row)

    def get(self, resource_id: uuid.UUID) -> Resource:
        """A resource in whatever state. Raises Unknown."""
        with self._database.transaction() as tx:
            row = tx.get(ResourceRow, resource_id)
            if row is None:
                raise Unknown("There is no such resource.")
            return self.seen(row)

    def all(self, service: str, *states: State) -> list[Resource]:
        """The resources of a service in these states, the oldest first."""
        query = select(ResourceRow).where(
            ResourceRow.service == service, ResourceRow.state.in_(states)
        )
        with self._database.transaction() as tx:
            return [self.seen(row) for row in tx.scalars(query.order_by(ResourceRow.created_at))]

    def due(self) -> list[uuid.UUID]:
        """What the worker is to look at now."""
        now = datetime.now(UTC)
        rested = (ResourceRow.state == State.RESTING) & (ResourceRow.rests_until <= now)
        waiting = select(ResourceRow.id).where(or_(ResourceRow.try_at <= now, rested))
        with self._database.transaction() as tx:
            return list(tx.scalars(waiting.order_by(ResourceRow.try_at)))

    def look_soon(self, *resource_ids: uuid.UUID, at: datetime | None = None) -> None:
        """Have the worker look at these, now or then."""
        when = at or datetime.now(UTC)
        with self._database.transaction() as tx:
            chosen = update(ResourceRow).where(ResourceRow.id.in_(resource_ids))
            earlier = or_(ResourceRow.try_at.is_(None), ResourceRow.try_at > when)
            tx.execute(chosen.where(earlier).values(try_at=when))

    def look_at_all(self) -> None:
        """Have the worker look now at all that waits, as what a killed process was at does."""
        now = datetime.now(UTC)
        with self._database.transaction() as tx:
            tx.execute(update(ResourceRow).where(ResourceRow.try_at > now).values(try_at=now))

    def keep(
        self, resource: Resource, *,
        secrets: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None,
        plan: str | None = None,
    ) -> Resource:  # fmt: skip
        """Write down more of a resource, at once; the resource with it. None takes a name away."""
        with self._database.transaction() as tx:
            row = tx.get_one(ResourceRow, resource.id, with_for_update=True)
            if secrets:
                merged = {**self._keys.open(row.sealed, _context(row.id)), **secrets}
                row.sealed = self._keys.seal(_kept(merged), _context(row.id))
            if facts:
                row.facts = _kept({**row.facts, **facts})
            row.plan = plan or row.plan
            tx.flush()
            return self.seen(row)

    def seen(self, row: ResourceRow) -> Resource:
        """A row as services see it."""
        return Resource(
            id=row.id, service=row.service, name=row.name, plan=row.plan, state=row.state,
            options=row.options, facts=row.facts, created_at=row.created_at,
            secrets=self._keys.open(row.sealed, _context(row.id)), rests_until=row.rests_until,
            message=row.message,
        )  # fmt: skip


def _kept(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _context(resource_id: uuid.UUID) -> str:
    return f"secrets of resource {resource_id}"
