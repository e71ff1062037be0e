"""Which dynos reach which add-ons: those of the apps an add-on is attached to, and no others."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict

from sqlalchemy import exists, select

from kedge.engine.protocols import Runtime
from kedge.model.addon import Attachment
from kedge.model.dyno import Dyno, State
from kedge.ops.services import Services

REACHING = (
    select(Dyno.id, Attachment.addon_id)
    .join(Attachment, Attachment.app_id == Dyno.app_id)
    .where(Dyno.state != State.ENDED)
)


class Reach:
    """Keeps the ways from dynos to add-ons as attachments say."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime
        self._lock = threading.Lock()

    def look(self) -> None:
        """Open the ways there are to be, and close all others."""
        with self._lock:
            self._runtime.let_reach(self._wanted())

    def before_start(self, dyno: Dyno) -> None:
        """See to it that a dyno reaches its app's add-ons from its first moment on."""
        with self._services.database.transaction() as tx:
            query = select(exists().where(Attachment.app_id == dyno.app_id))
            has_any = tx.scalar(query)
        if has_any:
            self.look()

    def _wanted(self) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
        found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        with self._services.database.transaction() as tx:
            for dyno_id, addon_id in tx.execute(REACHING).all():
                found[dyno_id].add(addon_id)
        return {dyno_id: frozenset(addons) for dyno_id, addons in found.items()}
