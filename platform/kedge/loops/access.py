"""The router's access lines, on their way into the apps' logs."""

from __future__ import annotations

import uuid
from collections import defaultdict

from kedge.engine.protocols import LogLine, Router
from kedge.ops.services import Services

WAIT_SECONDS = 10.0


class AccessLog:
    """Pulls lines from the router's agent."""

    def __init__(self, services: Services, router: Router) -> None:
        self._services, self._router = services, router
        self._cursor = 0

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
        self._cursor = found.next_cursor


def _loss(at_ns: int, count: int) -> LogLine:
    """Lines of all apps were dropped; each app that goes on is told, since any may be meant."""
    words = f"Error L10 (output buffer overflow): up to {count} router messages dropped."
    return LogLine(at_ns, "heroku", "logplex", words)
