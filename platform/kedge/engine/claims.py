"""Claims on folders: whether anybody alive is still at work in one.

A claim is a `flock` on the folder. It ends with the last process that holds it, however that one
dies, and is seen by every process on the machine, also from another container.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """Claim a folder, beside others who do; waits while somebody has it alone.

    Yields a file descriptor: a child process that inherits it holds the claim as well.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody claims the folder; if so, nobody else can as long as the block lasts."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        is_free = False
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = True
        yield is_free
    finally:
        os.close(descriptor)
