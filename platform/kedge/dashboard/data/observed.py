"""What is seen of a database for its page: asked of its provider at once, and kept for a moment.

Several people may look at one page, and a page looks again every few seconds: the provider is asked
once for all of them. Who may see it is decided before anything is taken from here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kedge.dashboard.visit import Visit
from kedge.errors import KedgeError
from kedge.model.addon import Addon, State
from kedge.ops import backups, databases
from kedge.ops.authorize import Action
from kedge.ops.databases import POSTGRES, REDIS

# What costs a command in the server is asked less often than what is read from a table.
STATE_SECONDS, QUERY_SECONDS, ROW_SECONDS = 4.0, 15.0, 0.5
KEPT = 500
NAMES = ("state", "backups", "schedules", "queries", "settings")
_pool = ThreadPoolExecutor(8, "observe")
_kept: dict[tuple[uuid.UUID, str], tuple[float, Any]] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider said; `problem` is why it did not, in words for the page."""

    value: Any
    problem: str = ""


def look(visit: Visit, addon: Addon) -> Mapping[str, Told]:
    """All that the page shows, by name: `state`, `backups`, `schedules`, `queries`, `settings`."""
    told = dict.fromkeys(NAMES, Told(None))
    if addon.state != State.PROVISIONED:
        return told
    running = {
        name: _pool.submit(_told, (addon.id, name), seconds, ask)
        for name, (seconds, ask) in _asked(visit, addon).items()
    }
    return told | {name: each.result() for name, each in running.items()}


def forget(addon: Addon) -> None:
    """What is known is out of date: something was changed just now."""
    for key in [key for key in _kept if key[0] == addon.id]:
        _kept.pop(key, None)


def _asked(visit: Visit, addon: Addon) -> dict[str, tuple[float, Callable[[], Any]]]:
    services, actor, name = visit.services, visit.actor, str(addon.id)
    if addon.service.name == REDIS:
        return {
            "state": (STATE_SECONDS, lambda: databases.look(services, actor, name, REDIS).told),
            "settings": (STATE_SECONDS, lambda: databases.settings(services, actor, name)),
        }
    asked: dict[str, tuple[float, Callable[[], Any]]] = {
        "state": (STATE_SECONDS, lambda: databases.look(services, actor, name, POSTGRES).told),
        "backups": (ROW_SECONDS, lambda: backups.list_of_database(services, actor, name)),
        "schedules": (ROW_SECONDS, lambda: backups.schedules(services, actor, name)),
    }
    if Action.OPERATE in visit.may:
        asked["queries"] = (
            QUERY_SECONDS, lambda: databases.slow_queries(services, actor, name).get("queries"),
        )  # fmt: skip
    return asked


def _told(key: tuple[uuid.UUID, str], seconds: float, ask: Callable[[], Any]) -> Told:
    at, value = _kept.get(key, (0.0, None))
    if value is None or time.monotonic() - at > seconds:
        try:
            value = ask()
        except KedgeError as error:
            return Told(None, error.message)
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = (time.monotonic(), value)
    return Told(value)
