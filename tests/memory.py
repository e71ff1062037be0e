"""Folders in memory: what is synced to the disk there need not wait for one.

A platform syncs at each commit of its database, at each build and at each push; where many tests
share one disk, that is most of what they wait for. Nothing here proves that data outlive a power
cut.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY, DISK = Path("/dev/shm"), Path("/tmp")
ROOM_BYTES = 4 << 30  # what tests that run side by side take together, and as much again


def folder(prefix):
    """A new folder of a short name: in memory where there is room, else on the disk.

    Its name holds the id of this process.
    """
    place = MEMORY if is_usable(MEMORY) else DISK
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=place))


def left(prefix):
    """The folders of processes that are no more: a test run was killed."""
    for place in (MEMORY, DISK):
        for each in place.glob(f"{prefix}*-*"):
            pid = each.name.removeprefix(prefix).partition("-")[0]
            if pid.isdigit() and not Path("/proc", pid).exists():
                yield each


def is_usable(place):
    """Whether programs may be run from there, and there is room."""
    if not os.access(place, os.W_OK):
        return False
    return not os.statvfs(place).f_flag & os.ST_NOEXEC and (
        shutil.disk_usage(place).free > ROOM_BYTES
    )
