"""The router's access lines, on their way into the apps' logs.

How far they have been taken is written down in the home, so that a supervisor that begins anew does
not keep them twice.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence

from kedge.engine.protocols import AccessLine, LogLine, Router
from kedge.ops.services import Services

WAIT_SECONDS = 10.0


class AccessLog:
    """Pulls lines from the router's agent; `count` is called with them too."""

    def __init__(
        self, services: Services, router: Router, count: Callable[[Sequence[AccessLine]], None]
    ) -> None:
        self._services, self._router, self._count = services, router, count
        self._register = services.settings.home / "router-log.cursor"
        self._cursor = self._read_cursor()

    def pull(self) -> None:
        """Fetch what is new (waiting for it a while) and keep it."""
        found = self._router.access_lines(self._cursor, WAIT_SECONDS)
        by_app: dict[uuid.UUID, list[LogLine]] = defaultdict(list)
        for line in found.lines:
            by_app[line.app_id].append(LogLine(line.at_ns, "heroku", "router", line.text))
        for app_id, lines in by_app.items():
            if found.lost:
                lines.append(_loss(lines[0].at_ns, found.lost))
            self._services.logs.append(app_id, lines)
        self._count(found.lines)
        if found.next_cursor != self._cursor:
            self._cursor = found.next_cursor
            self._register.write_text(str(self._cursor))

    def _read_cursor(self) -> int:
        """Where to go on; from the agent's beginning when nothing (or half of it) is written."""
        try:
            return int(self._register.read_text())
        except (FileNotFoundError, ValueError):
            return 0


def _loss(at_ns: int, count: int) -> LogLine:
    """Lines of all apps were dropped; each app that goes on is told, since any may be meant."""
    words = f"Error L10 (output buffer overflow): up to {count} router messages dropped."
    return LogLine(at_ns, "heroku", "logplex", words)
