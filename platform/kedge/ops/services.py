"""What a use case may reach for; `kedge/services.py` binds it to the real engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kedge.engine.protocols import LogLine, LogStore, Queue, SlugStore, Wakes
from kedge.vault import Vault

if TYPE_CHECKING:
    from kedge.db import Database, Transaction
    from kedge.engine.sources import SourceStore
    from kedge.settings import Settings

APPS = "apps"  # the topic that wakes the dynos' supervisor; the app's id follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The engines and values every use case shares."""

    settings: Settings
    database: Database
    vault: Vault
    now: Callable[[], datetime]
    wakes: Wakes
    queue: Queue
    logs: LogStore
    slugs: SlugStore
    sources: SourceStore
    mint: Callable[[], str]

    def say(self, tx: Transaction, app_id: uuid.UUID, *texts: str, process: str = "api") -> None:
        """Write `app[api]: …` lines to the app's log once the transaction is committed."""
        at_ns = int(self.now().timestamp() * 1_000_000) * 1000
        lines = [LogLine(at_ns + n, "app", process, text) for n, text in enumerate(texts)]
        tx.after_commit(lambda: self.logs.append(app_id, lines))

    def wake_app(self, tx: Transaction, app_id: uuid.UUID) -> None:
        """Have the dynos' supervisor look at the app once the transaction is committed."""
        tx.after_commit(lambda: self.wakes.wake(f"{APPS}:{app_id}"))
