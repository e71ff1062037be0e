"""What every running dyno uses, seen every few seconds by all who want to know."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from kedge.engine.protocols import Runtime, Usage
from kedge.model.dyno import Dyno, State
from kedge.ops.services import Services

RUNNING = select(
    Dyno.id, Dyno.app_id, Dyno.kind, Dyno.type, Dyno.ordinal, Dyno.size, Dyno.runtime_id
).where(Dyno.state.in_((State.STARTING, State.UP)))


@dataclass(frozen=True, slots=True)
class DynoUsage:
    """A running dyno and what it uses."""

    dyno_id: uuid.UUID
    app_id: uuid.UUID
    kind: str
    name: str
    size: str
    used: Usage


def look(services: Services, runtime: Runtime) -> list[DynoUsage]:
    """Every running dyno the runtime knows the usage of."""
    used = runtime.usage()
    with services.database.transaction() as tx:
        dynos = tx.execute(RUNNING).all()
    return [
        DynoUsage(dyno_id, app_id, kind, f"{type_}.{ordinal}", size, used[runtime_id])
        for dyno_id, app_id, kind, type_, ordinal, size, runtime_id in dynos
        if runtime_id and runtime_id in used
    ]
