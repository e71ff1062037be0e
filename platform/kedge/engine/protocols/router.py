"""Routes, and what puts them in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Server:
    """Where the router sends requests: one dyno's address."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All the router knows of one app. `state` is None or the H code it answers with.

    `version` grows with every change of the app's route; a lower one is refused (a fence against
    a supervisor that lost its leadership). A server's name is `web.1-<8 hex of the dyno's id>`.
    """

    version: int
    name: str
    hosts: tuple[str, ...]
    state: str | None
    servers: Mapping[str, Server]


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One request as the router saw it; `text` in Heroku's form.

    `service_ms` and `bytes` are None where it reached no dyno.
    """

    at_ns: int
    app_id: UUID
    dyno: str
    text: str
    code: str | None
    status: int
    service_ms: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class AccessLines:
    """Lines after a cursor; `lost` were dropped before them; `next_cursor` is for the next call."""

    lines: tuple[AccessLine, ...]
    next_cursor: int
    lost: int


class Router(Protocol):
    """Puts routes in force. Every call returns when the change is in force."""

    def put(self, app_id: UUID, route: Route) -> None:
        """Make this the app's route. Servers left out get no new requests from now on."""

    def routes(self) -> Mapping[UUID, Route | None]:
        """The apps it knows: each with its route, or None when that is not in force."""

    def remove(self, app_id: UUID, version: int) -> None:
        """Forget an app. Unknown is fine."""

    def in_flight(self, app_id: UUID) -> Mapping[str, int]:
        """Requests in flight by server name, drained servers included."""

    def put_certificate(self, name: str, pem: str, hosts: Sequence[str]) -> None:
        """Serve a certificate (chain and key as PEM) for these names."""

    def remove_certificate(self, name: str) -> None:
        """Serve a certificate no longer. Unknown is fine."""

    def access_lines(self, cursor: int, wait_seconds: float) -> AccessLines:
        """Lines after the cursor, waiting for the first up to `wait_seconds`."""
