"""The agent's HTTP API on a unix socket: JSON in, JSON out, one method and path per use."""

import json
import re
import socketserver
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .agent import Agent
from .errors import Invalid, NotFound, RouterError, Unavailable
from .journal import say

BODY_BYTES = 64 * 1024 * 1024
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API."""

    method: str
    path: str
    query: Mapping[str, str]
    text: bytes

    def number(self, name: str, default: float = 0) -> float:
        """A number in the query."""
        try:
            return float(self.query.get(name, default))
        except ValueError as error:
            raise Invalid(f"{name} must be a number, not {self.query[name]!r}.") from error

    @property
    def body(self) -> object:
        """The JSON sent."""
        try:
            parsed: object = json.loads(self.text)
        except ValueError as error:
            raise Invalid(f"The body is not JSON: {type(error).__name__}.") from error
        return parsed

    @property
    def version(self) -> int | None:
        """The version in the query, if any."""
        return int(self.number("version")) if "version" in self.query else None


Use = Callable[..., dict[str, Any]]
USES: tuple[tuple[str, str, Use], ...] = (
    ("GET", "/health", lambda agent, _: agent.health()),
    ("GET", "/apps", lambda agent, _: {"apps": agent.apps()}),
    ("PUT", "/apps", lambda agent, call: agent.resync(call.body)),
    ("GET", "/apps/([^/]+)", lambda agent, _, app: agent.app(app)),
    ("PUT", "/apps/([^/]+)", lambda agent, call, app: agent.put_app(app, call.body)),
    ("DELETE", "/apps/([^/]+)", lambda agent, call, app: agent.remove_app(app, call.version)),
    ("GET", "/apps/([^/]+)/sessions", lambda agent, _, app: agent.sessions(app)),
    (
        "DELETE",
        "/apps/([^/]+)/servers/([^/]+)/sessions",
        lambda agent, _, app, server: agent.close_sessions(app, server),
    ),
    (
        "PUT",
        "/certificates/([^/]+)",
        lambda agent, call, name: agent.put_certificate(name, call.body),
    ),
    ("DELETE", "/certificates/([^/]+)", lambda agent, _, name: agent.remove_certificate(name)),
)
"""All but the log, which is not an object but a text put together from lines already in JSON."""


def answer(agent: Agent, method: str, target: str, text: bytes) -> bytes:
    """The answer to one request.

    Raises:
        RouterError: the refusal, with its status.
    """
    url = urlsplit(target)
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    call = Call(method, url.path, query, text)
    if (method, url.path) == ("GET", "/log"):
        wait_seconds = min(call.number("wait"), LONGEST_WAIT_SECONDS)
        return agent.backlog.read(int(call.number("after")), wait_seconds)
    try:
        return json.dumps(_use(agent, call)).encode()
    except OSError as error:
        raise Unavailable(f"The router could not finish this: {error}. Repeat it.") from error


def _use(agent: Agent, call: Call) -> dict[str, Any]:
    for method, pattern, use in USES:
        found = re.fullmatch(pattern, call.path)
        if found and method == call.method:
            return use(agent, call, *map(unquote, found.groups()))
    raise NotFound(f"The router's agent has no {call.method} {call.path}.")


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version = "kedge-router"

    def do_GET(self) -> None:
        """Read something."""
        self._answer()

    def do_PUT(self) -> None:
        """Change something."""
        self._answer()

    def do_DELETE(self) -> None:
        """Remove something."""
        self._answer()

    def _answer(self) -> None:
        try:
            status, text = 200, answer(self.server.agent, self.command, self.path, self._text())
        except RouterError as refusal:
            status, text = refusal.status, json.dumps(refusal.body()).encode()
        except Exception as error:  # noqa: BLE001 - the boundary: one request must not end others
            say("api.failed", method=self.command, error=f"{type(error).__name__}: {error}")
            status, text = 500, b'{"id":"router_error","message":"The agent failed; see its log."}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _text(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES:
            self.close_connection = True
            raise Invalid(f"The body is longer than {BODY_BYTES} bytes.")
        return self.rfile.read(length)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing of each request: changes are in the map, refusals in the answers."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread for each connection; long polls wait in theirs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, agent: Agent) -> None:
        self.agent = agent
        # Bound beside and moved into place: callers meet the old agent's socket or this one.
        temporary = path.with_name(f"{path.name}.new")
        temporary.unlink(missing_ok=True)
        super().__init__(str(temporary), Handler)
        temporary.chmod(0o600)
        temporary.replace(path)
