"""One `kedge up` per home: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kedge.errors import StartRefused


class AlreadyRunning(StartRefused):
    """Another `kedge up` runs on this home."""

    def __init__(self, pid: int) -> None:
        super().__init__(
            f"already running (pid {pid})", "`kedge status` shows it, `kedge down` ends it."
        )
        self.pid = pid


def _path(home: Path) -> Path:
    return home / "up.lock"


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the home's lock.

    Raises:
        AlreadyRunning: another process holds it.
    """
    with _path(home).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_recorded(home)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(home: Path) -> int | None:
    """The process id of the home's `kedge up`, or None when none runs."""
    try:
        with _path(home).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _recorded(home)
    return None


def _recorded(home: Path) -> int:
    # Empty for an instant between taking the lock and writing the number: 0 is "not yet known".
    return int(_path(home).read_text() or 0)
