"""Entry point: `python3 -u buildpacks/_runner/build.py`, inside the build container."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from _runner.stages import run  # noqa: E402  (the path above makes the packages importable)

if __name__ == "__main__":
    sys.exit(run())
