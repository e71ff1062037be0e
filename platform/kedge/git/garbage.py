"""Repositories that grew are packed anew: git itself knows when, and how."""

from __future__ import annotations

import subprocess
import uuid
from contextlib import suppress
from pathlib import Path

import structlog

from kedge.engine.git import Repositories
from kedge.git.settle import place_name
from kedge.ops.services import Services

log = structlog.get_logger()
SETTINGS = {
    "gc.autoDetach": "false",  # it ends before the lock is let go
    # What was pushed and refused is reachable from nowhere. No push lasts as long as that.
    "gc.pruneExpire": "1.day.ago",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
}


def collect(services: Services, repositories: Repositories) -> None:
    """Have git pack what has grown by much; a repository somebody pushes to waits for next time."""
    for path in sorted(repositories.folder.glob("*.git")):
        with suppress(ValueError):  # somebody else's
            _collect(services, uuid.UUID(path.stem), path)


def _collect(services: Services, app_id: uuid.UUID, path: Path) -> None:
    with services.database.advisory_lock(place_name(app_id), wait=False) as place:
        if not place.held:
            return
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = ["git", "-C", str(path), *options, "gc", "--auto", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            log.warning("repository.not_packed", app=str(app_id), reason=done.stderr[-500:])
