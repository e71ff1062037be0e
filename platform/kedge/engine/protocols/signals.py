"""Wakes between processes, and the queue of the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

ANY_TOPIC = "*"


class Wakes(Protocol):
    """Tells other processes to look again. May lose a wake: everyone also looks by the clock."""

    def wake(self, topic: str) -> None:
        """Wake whoever waits for `topic`. Never raises."""

    def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a wake of `topic`; False when the time passed."""

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call the listener with every topic that is woken, from some thread.

        It is called with `ANY_TOPIC` when wakes of any topic may have been missed.
        """


class Queue(Protocol):
    """Hands work to the worker."""

    def build(self, build_id: UUID) -> None:
        """Have a build run. Raises QueueDown."""

    def forget_cache(self, app_id: UUID) -> None:
        """Have the build cache of an app dropped. Raises QueueDown."""
