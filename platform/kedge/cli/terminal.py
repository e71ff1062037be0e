"""This terminal while a dyno's is shown in it: every key goes there, and it is put back after."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


def is_interactive() -> bool:
    """Whether stdin and stdout are both a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def environment() -> dict[str, str | int]:
    """What a dyno's terminal is made like: TERM and the size."""
    size = shutil.get_terminal_size()
    return {"TERM": os.environ.get("TERM", "xterm"), "COLUMNS": size.columns, "LINES": size.lines}


@contextlib.contextmanager
def raw() -> Iterator[None]:
    """The terminal in raw mode; put back also when SIGTERM or SIGHUP ends the program."""
    before = termios.tcgetattr(sys.stdin)
    handlers = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
