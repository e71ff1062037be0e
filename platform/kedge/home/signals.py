"""Waiting that a signal ends: how `kedge up` hears that it is to stop."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType
from typing import Self

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Inside the block the stopping signals are noted instead of ending the process.

    A handler that raised would do so at any instruction, in the middle of a start; a pipe that is
    looked at between steps does not.
    """

    def __init__(self) -> None:
        self.received = False
        self._read, self._write = os.pipe()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        os.set_blocking(self._write, False)
        for number in STOPPING:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # nohup means what it says
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> bool:
        """Sleep, at most that long; True as soon as a stopping signal has come."""
        if not self.received:
            select.select([self._read], [], [], seconds)
        return self.received

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True
        os.write(self._write, b"!")
