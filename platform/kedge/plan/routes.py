"""What the router should know of one app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kedge.engine.protocols import Route, Server
from kedge.model.dyno import State


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDyno:
    """A web dyno of the formation that has not ended."""

    server_name: str
    state: str
    routed: bool
    host: str | None
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontage:
    """An app as visitors meet it."""

    name: str
    hosts: tuple[str, ...]
    version: int
    has_code: bool
    has_web: bool
    is_in_maintenance: bool
    web_dynos: Sequence[WebDyno]


def route_of(app: Frontage) -> Route:
    """The app's route: its hosts, its routed dynos, and the H code when it cannot answer."""
    servers: Mapping[str, Server] = {
        dyno.server_name: Server(dyno.host, dyno.port)
        for dyno in app.web_dynos
        if dyno.routed and dyno.state == State.UP and dyno.host and dyno.port
    }
    state = _state(app, has_servers=bool(servers))
    return Route(version=app.version, name=app.name, hosts=app.hosts, state=state, servers=servers)


def _state(app: Frontage, *, has_servers: bool) -> str | None:
    """Heroku's code for what a visitor gets (https://devcenter.heroku.com/articles/error-codes)."""
    if app.is_in_maintenance:
        return "H80"
    if has_servers:
        return None
    if not app.has_code:
        return "H81"
    if not app.has_web:
        return "H14"
    crashed = any(dyno.state == State.CRASHED for dyno in app.web_dynos)
    return "H10" if crashed else "H20"
