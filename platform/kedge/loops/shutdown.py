"""Stops every dyno of the installation, when Kedge stops and its dynos are to stop with it."""

from __future__ import annotations

import time
from contextlib import suppress

from kedge.engine.protocols import Container, Runtime
from kedge.errors import KedgeError

GRACE_SECONDS = 5.0  # within what `kedge down` promises; the formation brings them back


def stop_all_dynos(runtime: Runtime) -> None:
    """SIGTERM to all, a few seconds, SIGKILL. Their rows stay: the next start brings them back."""
    with suppress(KedgeError):
        running = _running(runtime)
        for container in running:
            runtime.signal(container.runtime_id, "TERM")
        deadline = time.monotonic() + GRACE_SECONDS
        while running and time.monotonic() < deadline:
            time.sleep(0.2)
            running = _running(runtime)
        for container in running:
            runtime.signal(container.runtime_id, "KILL")


def _running(runtime: Runtime) -> list[Container]:
    return [found for found in runtime.containers() if found.status == "running"]
