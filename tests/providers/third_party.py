"""A provider of somebody else's, as a real HTTP server: it behaves, unless it is told not to.

`ThirdParty` speaks the Add-on Partner API v3 for a service called `fast-db`. What it was asked is
in `calls`; `next(...)` says how it answers the next call instead, `then(...)` every one after.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SERVICE = "fast-db"
PASSWORD = "a-password-nobody-may-see"
SALT = "a-salt-nobody-may-see"
RESOURCE = re.compile(r"/heroku/resources(?:/(?P<id>[^/?]+))?(?P<more>/actions/\w+)?$")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it came."""

    method: str
    path: str
    body: Any
    authorization: str | None
    headers: dict[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call is answered. `payload` is sent as it is where it is bytes.

    `pause_seconds` before anything; `drip_seconds` between the bytes of the body, and with
    `hangs` never anything at all; `cut` breaks the connection in the middle of the body.
    """

    status: int = 200
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    drip_seconds: float = 0.0
    hangs: bool = False
    cut: bool = False


class ThirdParty:
    """The server; use it in `with`, it listens on a free port of the loopback."""

    def __init__(self, service: str = SERVICE, *, is_async: bool = False) -> None:
        self.service, self.is_async = service, is_async
        self.resources: dict[str, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.grants: dict[str, str] = {}
        self._next: deque[Answer] = deque()
        self._then: Answer | None = None
        self._stopping = threading.Event()
        handler = type("OwnHandler", (Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """Where resources are made."""
        return f"{self.url}/heroku/resources"

    def manifest(self, **changes: Any) -> dict[str, Any]:
        """Its manifest; `api` in the changes is merged into the manifest's own."""
        prefix = self.service.upper().replace("-", "_")
        api = {
            "version": "3",
            "password": PASSWORD,
            "sso_salt": SALT,
            "config_vars": [f"{prefix}_URL", f"{prefix}_KEY"],
            "regions": ["us"],
            "requires": ["many_per_app", "attachable"],
            "production": {"base_url": self.base_url, "sso_url": f"{self.url}/sso/login"},
        }
        plans = [
            {"name": "free", "human_name": "Free", "price": {"cents": 0, "unit": "month"},
             "default": True, "attributes": {"rows": 10}},
            {"name": "team", "human_name": "Team", "price": {"cents": 900, "unit": "month"}},
        ]  # fmt: skip
        api |= changes.pop("api", {})
        return {"id": self.service, "api": api, "name": "Fast DB", "plans": plans} | changes

    # --- how it behaves ---

    def next(self, **how: Any) -> None:
        """The next call that nothing else is said of is answered so."""
        self._next.append(Answer(**how))

    def then(self, **how: Any) -> None:
        """Every call after those of `next` is answered so; without anything it behaves again."""
        self._then = Answer(**how) if how else None

    def asked(self, method: str) -> list[Call]:
        """The calls of one method, in their order."""
        return [call for call in self.calls if call.method == method]

    def config_of(self, resource_id: str) -> dict[str, str]:
        """What it gives as config."""
        prefix = self.service.upper().replace("-", "_")
        key = self.resources[resource_id]["key"]
        return {f"{prefix}_URL": f"fast://user:{key}@db.example.com/{resource_id}",
                f"{prefix}_KEY": key}  # fmt: skip

    def _answer_to(self, call: Call) -> Answer:
        if self._next:
            return self._next.popleft()
        return self._then or self._behaved(call)

    def _behaved(self, call: Call) -> Answer:
        known = base64.b64encode(f"{self.service}:{PASSWORD}".encode()).decode()
        if call.authorization != f"Basic {known}":
            return Answer(status=401, payload={"message": "Unknown id or password."})
        place = RESOURCE.search(call.path)
        if place is None:
            return Answer(status=404, payload={"message": "There is nothing here."})
        return self._resource(call, place["id"], place["more"])

    def _resource(self, call: Call, resource_id: str | None, more: str | None) -> Answer:
        if call.method == "POST" and resource_id is None:
            return self._provision(call.body)
        if resource_id not in self.resources:
            return Answer(status=410, payload={"message": "It is gone."})
        if call.method == "PUT":
            return self._change_plan(resource_id, call.body)
        if call.method == "DELETE":
            del self.resources[resource_id]
            return Answer(status=204)
        del more
        return Answer(status=404, payload={"message": "There is nothing here."})

    def _provision(self, wanted: Any) -> Answer:
        if not isinstance(wanted, dict) or "uuid" not in wanted:
            return Answer(status=422, payload={"message": "There is no uuid."})
        if wanted.get("plan") not in ("free", "team"):
            return Answer(status=422, payload={"message": "There is no such plan."})
        made = self.resources.setdefault(
            wanted["uuid"], {"plan": wanted["plan"], "key": f"key-{uuid.uuid4().hex}"}
        )
        self.grants[wanted["uuid"]] = (wanted.get("oauth_grant") or {}).get("code", "")
        body = {"id": wanted["uuid"], "message": f"Your {made['plan']} database is coming."}
        if self.is_async:
            return Answer(status=202, payload=body)
        return Answer(status=201, payload=body | {"config": self.config_of(wanted["uuid"])})

    def _change_plan(self, resource_id: str, wanted: Any) -> Answer:
        plan = wanted.get("plan") if isinstance(wanted, dict) else None
        if plan not in ("free", "team"):
            return Answer(status=422, payload={"message": "There is no such plan."})
        self.resources[resource_id]["plan"] = plan
        body = {"config": self.config_of(resource_id), "message": f"You have {plan} now."}
        return Answer(payload=body)

    def _wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)


class Handler(BaseHTTPRequestHandler):
    """One connection; `provider` is set by the class made for each server."""

    provider: ThirdParty
    protocol_version = "HTTP/1.1"

    def do(self) -> None:
        """Note the call, and answer it."""
        call = self._call()
        self.provider.calls.append(call)
        self._give(self.provider._answer_to(call))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do  # noqa: N815 - the server's names

    def _call(self) -> Call:
        payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(payload) if payload else None
        except ValueError:
            body = payload
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Call(self.command, self.path, body, self.headers.get("Authorization"), headers)

    def _give(self, answer: Answer) -> None:
        if answer.hangs:
            self.provider._wait(600)
            self.close_connection = True
            return
        self.provider._wait(answer.pause_seconds)
        payload = answer.payload
        if not isinstance(payload, bytes):
            payload = b"" if payload is None else json.dumps(payload).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        try:
            self._write(payload, answer)
        except OSError:  # whoever asked has hung up
            self.close_connection = True

    def _write(self, payload: bytes, answer: Answer) -> None:
        if answer.cut:
            self.wfile.write(payload[: len(payload) // 2])
            self.close_connection = True
            return
        if not answer.drip_seconds:
            self.wfile.write(payload)
            return
        for byte in payload:
            self.wfile.write(bytes([byte]))
            time.sleep(answer.drip_seconds)

    def log_message(self, *_: Any) -> None:
        """Nothing is written to the tests' output."""
