"""A router in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from kedge.engine.protocols import AccessLine, AccessLines, Route
from kedge.errors import Conflict, RouterDown


class FakeRouter:
    """A `Router` that remembers. `history` are all routes ever put, in order.

    `busy` are requests in flight by server name, as a test sets them; `down` makes every call
    raise RouterDown.
    """

    def __init__(self) -> None:
        self.down = False
        self.known: dict[UUID, Route] = {}
        self.history: list[tuple[UUID, Route]] = []
        self.busy: dict[UUID, dict[str, int]] = {}
        self.certificates: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.lines: list[AccessLine] = []
        self._versions: dict[UUID, int] = {}

    def put(self, app_id: UUID, route: Route) -> None:
        """Make this the app's route. Raises Conflict for a version lower than the last."""
        self._answer()
        self._fence(app_id, route.version)
        self.known[app_id] = route
        self.history.append((app_id, route))

    def routes(self) -> Mapping[UUID, Route | None]:
        """The apps it knows, each with its route."""
        self._answer()
        return dict(self.known)

    def remove(self, app_id: UUID, version: int) -> None:
        """Forget an app. Unknown is fine."""
        self._answer()
        self._fence(app_id, version)
        self.known.pop(app_id, None)

    def in_flight(self, app_id: UUID) -> Mapping[str, int]:
        """Requests in flight by server name, drained servers included."""
        self._answer()
        servers = self.known[app_id].servers if app_id in self.known else {}
        return {**dict.fromkeys(servers, 0), **self.busy.get(app_id, {})}

    def remove_certificate(self, name: str) -> None:
        """Serve a certificate no longer."""
        self.certificates.pop(name, None)

    def put_certificate(self, name: str, pem: str, hosts: Sequence[str]) -> None:
        """Remember a certificate."""
        self._answer()
        self.certificates[name] = (pem, tuple(hosts))

    def access_lines(self, cursor: int, wait_seconds: float) -> AccessLines:
        """Lines after the cursor, without waiting."""
        self._answer()
        del wait_seconds
        return AccessLines(tuple(self.lines[cursor:]), max(cursor, len(self.lines)), 0)

    def _fence(self, app_id: UUID, version: int) -> None:
        if version < self._versions.get(app_id, 0):
            raise Conflict(f"A route newer than version {version} is in force.")
        self._versions[app_id] = version

    def _answer(self) -> None:
        if self.down:
            raise RouterDown("The fake router is down.")
