"""What package managers keep of their downloads: useful, and without an end of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_LIMIT_BYTES = 2 << 30


def bound(folder: Path, limit_bytes: int = _LIMIT_BYTES) -> bool:
    """Empty a cache that has grown over its limit; whether it had.

    The next installation downloads again. Installed trees that share its files keep them.
    """
    if _size_over(folder, limit_bytes):
        shutil.rmtree(folder, ignore_errors=True)
        return True
    return False


def _size_over(folder: Path, limit_bytes: int) -> bool:
    total = 0
    for parent, _, files in os.walk(folder):
        total += sum(Path(parent, name).lstat().st_size for name in files)
        if total > limit_bytes:
            return True
    return False
