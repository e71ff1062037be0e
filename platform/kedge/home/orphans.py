"""What an installation left running: found by its mark, ended for good.

`kedge up` or the supervisor may have been killed with -9; their children live on without a parent.
Every part inherits KEDGE_INSTALLATION, and /proc shows it. PostgreSQL and Redis write their title
over that memory, so these two are found by the pid files they keep.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from kedge.home.installation import MARKER, Installation

PATIENCE_SECONDS = 8.0


def find(installation: Installation) -> list[int]:
    """Processes of this installation, but for this one and those that led to it."""
    mark = f"{MARKER}={installation.id}".encode()
    marked = {int(entry.name) for entry in Path("/proc").iterdir() if _bears(entry, mark)}
    return sorted((marked | _from_pid_files(installation)) - _own_line())


def end(pids: list[int], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask them to end, wait, then make them."""
    for pid in pids:
        _signal(pid, signal.SIGINT if _name(pid) == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + patience_seconds
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in filter(lives, pids):
        _signal(pid, signal.SIGKILL)
    while any(map(lives, pids)):
        time.sleep(0.02)


def _bears(process: Path, mark: bytes) -> bool:
    try:
        return process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return False


def _from_pid_files(installation: Installation) -> set[int]:
    files = {
        "postgres": installation.home / "postgres" / "data" / "postmaster.pid",
        "redis-server": installation.run_dir / "redis.pid",
        "valkey-server": installation.run_dir / "redis.pid",
    }
    return {
        pid for name, file in files.items() if (pid := _first_number(file)) and _name(pid) == name
    }


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _own_line() -> set[int]:
    """This process and its ancestors: whoever ends the rest must not end itself."""
    line, pid = set(), os.getpid()
    while pid > 1:
        line.add(pid)
        pid = _stat(pid)[1]
    return line


def _stat(pid: int) -> tuple[str, int]:
    """State letter and parent of a process; `X`, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return fields[0], int(fields[1])


def lives(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not waited for does not)."""
    return _stat(pid)[0] not in {"X", "Z"}


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
