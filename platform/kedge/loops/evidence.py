"""What is found out about a dyno that did not come up or died, while it can still be found."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from kedge.engine.logs import safe_text
from kedge.engine.protocols import Container, LogFilter, Runtime
from kedge.errors import Unavailable
from kedge.loops.collect import scrubbed
from kedge.model.dyno import Dyno
from kedge.model.tables import Json
from kedge.ops import snapshots
from kedge.ops.services import Services

LINES = 20
# Nearly always enough for the last lines; else all that was written is read.
RECENT_NS = 60_000_000_000


class Evidence:
    """Gathers a cause record: ports bound instead, the probe's transcript, the last lines."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime

    def gather(
        self, dyno: Dyno, container: Container | None, failure: Json, transcript: Sequence[str]
    ) -> Json:
        """The failure with its evidence, as it is kept with the dyno and its release."""
        found = {
            "code": None,
            **failure,
            "dyno": dyno.name,
            "command": dyno.command,
            "probes": list(transcript),
            "last_lines": self._last_lines(dyno, container),
        }
        if dyno.port:
            found["port"] = dyno.port
        if failure.get("code") == "R10" and container and container.status == "running":
            self._explain_boot(found, container, dyno)
        return found

    def _explain_boot(self, found: Json, container: Container, dyno: Dyno) -> None:
        with suppress(Unavailable):
            ports = self._runtime.listening(container.runtime_id)
            found["ports_bound"] = ports
            found["reason"] += f" {explain_ports(ports, dyno.port or 0)}"

    def _last_lines(self, dyno: Dyno, container: Container | None) -> list[str]:
        """What the dyno itself wrote last: another may have its name at the same time."""
        if container is not None:
            with suppress(Unavailable):
                return self._from_engine(dyno, container)
        return self._from_log(dyno)

    def _from_engine(self, dyno: Dyno, container: Container) -> list[str]:
        ended_ns = container.finished_at_ns or int(self._services.now().timestamp() * 1e9)
        is_release = dyno.kind == "release"
        values = snapshots.unseal(self._services, dyno.release.config) if is_release else {}
        for since_ns in (max(0, ended_ns - RECENT_NS), 0):
            lines = self._runtime.output(container.runtime_id, since_ns=since_ns, follow=False)
            if last := deque(scrubbed(lines, values) if values else lines, LINES):
                return [safe_text(line.text) for line in last]
        return []

    def _from_log(self, dyno: Dyno) -> list[str]:
        """The container is gone: the newest lines of the name since its start."""
        if dyno.started_at is None:
            return []
        lines, _ = self._services.logs.tail(dyno.app_id, LINES, LogFilter("app", dyno.name))
        since_ns = int(dyno.started_at.timestamp() * 1e9) - 2_000_000_000
        return [line.text for line in lines if line.at_ns >= since_ns]


def explain_ports(ports: Sequence[int], wanted: int) -> str:
    """In words: which ports a process bound when it was to bind `wanted` (negative: loopback)."""
    if wanted in ports:
        return f"It bound port {wanted}, but did not answer below 500 there."
    if -wanted in ports:
        return f"It bound port {wanted} on 127.0.0.1 only: bind 0.0.0.0 instead."
    others = sorted({abs(port) for port in ports})
    if others:
        listed = " and ".join(str(port) for port in others)
        return f"It bound port {listed} instead of $PORT ({wanted}): read the port from $PORT."
    return f"It bound no port at all: it must listen on 0.0.0.0:$PORT ({wanted})."
