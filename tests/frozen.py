"""Processes that are frozen for a while: alive, with all their sockets open, and silent."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process and all it has started, stopped as long as the block lasts."""
    family = _family(pid)
    try:
        for each in family:  # parents first, so that they start nothing meanwhile
            _signal(each, signal.SIGSTOP)
        yield
    finally:
        for each in family:
            _signal(each, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
