"""Over the memory quota of a dyno's size is R14, in the log of its app."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from kedge.loops.usage import DynoUsage
from kedge.model.formation import SIZES
from kedge.ops.services import Services

CODE = "R14"


def is_over_quota(dyno: DynoUsage) -> bool:
    """Whether a dyno uses more memory than its size has."""
    return dyno.used.memory_mb > SIZES[dyno.size].memory_mb


class MemoryWatch:
    """Says R14."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def look(self, dynos: Iterable[DynoUsage]) -> None:
        """Say R14 for each dyno that is over its quota now."""
        for dyno in dynos:
            if is_over_quota(dyno):
                self._say(dyno.app_id, dyno.name, dyno.used.memory_mb, SIZES[dyno.size].memory_mb)

    def _say(self, app_id: uuid.UUID, name: str, megabytes: float, quota: int) -> None:
        self._services.tell(
            app_id,
            name,
            f"Process running mem={megabytes:.0f}M({100 * megabytes / quota:.1f}%)",
            f"Error {CODE} (Memory quota exceeded)",
        )
