"""What a use case may reach for; `kedge/services.py` binds it to the real engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from kedge.engine.protocols import (
    LogLine,
    LogStore,
    Machine,
    Nowhere,
    Partner,
    Queue,
    SlugStore,
    Wakes,
)
from kedge.vault import Vault

if TYPE_CHECKING:
    from kedge.db import Database, Transaction
    from kedge.engine.sources import SourceStore
    from kedge.settings import Settings

APPS = "apps"
SEEN = "seen"


def app_topic(app_id: uuid.UUID) -> str:
    """What wakes the dynos' supervisor, and whoever waits for an app, to look at it again."""
    return f"{APPS}:{app_id}"


def seen_topic(app_id: uuid.UUID) -> str:
    """What is woken when anything people see of an app changed, by whomever."""
    return f"{SEEN}:{app_id}"


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
    partner: Partner
    mint: Callable[[], str]
    machine: Machine = field(default_factory=Nowhere)

    def say(self, tx: Transaction, app_id: uuid.UUID, *texts: str, process: str = "api") -> None:
        """Write `app[api]: …` lines to the app's log once the transaction is committed."""
        lines = self._lines("app", process, texts)
        tx.after_commit(lambda: self.logs.append(app_id, lines))

    def tell(self, app_id: uuid.UUID, process: str, *texts: str) -> None:
        """Write `heroku[process]: …` lines to the app's log now."""
        self.logs.append(app_id, self._lines("heroku", process, texts))

    def _lines(
        self, source: Literal["app", "heroku"], process: str, texts: Sequence[str]
    ) -> list[LogLine]:
        """Lines of this moment, a nanosecond apart so that they stay in their order."""
        at_ns = int(self.now().timestamp() * 1_000_000) * 1000
        return [LogLine(at_ns + n, source, process, text) for n, text in enumerate(texts)]

    def wake_app(self, tx: Transaction, app_id: uuid.UUID) -> None:
        """Have the dynos' supervisor look at the app once the transaction is committed."""
        tx.after_commit(lambda: self.wakes.wake(app_topic(app_id)))
