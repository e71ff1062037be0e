"""Watches the memory of dynos: over the quota of their size is R14, in the log of their app."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from kedge.engine.protocols import Runtime
from kedge.model.dyno import Dyno, State
from kedge.model.formation import SIZES
from kedge.ops.services import Services

RUNNING = select(Dyno.app_id, Dyno.type, Dyno.ordinal, Dyno.size, Dyno.runtime_id).where(
    Dyno.state.in_((State.STARTING, State.UP))
)


class MemoryWatch:
    """Looks at every running dyno's memory."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime

    def look(self) -> None:
        """Say R14 for each dyno that is over its quota now."""
        used = self._runtime.memory_mb()
        with self._services.database.transaction() as tx:
            dynos = tx.execute(RUNNING).tuples().all()
        for app_id, type_, ordinal, size, runtime_id in dynos:
            quota = SIZES[size].memory_mb
            megabytes = used.get(runtime_id or "", 0.0)
            if megabytes > quota:
                self._say(app_id, f"{type_}.{ordinal}", megabytes, quota)

    def _say(self, app_id: uuid.UUID, name: str, megabytes: float, quota: int) -> None:
        self._services.tell(
            app_id,
            name,
            f"Process running mem={megabytes:.0f}M({100 * megabytes / quota:.1f}%)",
            "Error R14 (Memory quota exceeded)",
        )
