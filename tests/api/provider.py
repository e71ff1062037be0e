"""An add-on provider in a thread, which can be told to misbehave; and its manifest."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD, SALT = "a-password-of-ours", "a-salt-of-ours"


class Provider:
    """`answer` gives (status, JSON or bytes) for a request; by default it does what is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.made: dict[str, dict[str, Any]] = {}
        self.answer: Callable[[str, str, Any], tuple[int, Any]] | None = None
        self.headers: dict[str, str] = {}
        self.delay_seconds = 0.0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                provider.asked.append((self.command, self.path, body))
                time.sleep(provider.delay_seconds)
                status, answer = (provider.answer or provider.obey)(self.command, self.path, body)
                payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in provider.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def manifest(self, name: str = "notes", **changes: Any) -> dict[str, Any]:
        """The manifest it is registered by."""
        return {
            "id": name,
            "name": "Notes",
            "api": {
                "version": "3",
                "password": PASSWORD,
                "sso_salt": SALT,
                "config_vars": [f"{name.upper()}_URL"],
                "production": {
                    "base_url": f"{self.url}/heroku/resources",
                    "sso_url": f"{self.url}/sso/login",
                },
            },
            "plans": [{"name": "free", "default": True}, {"name": "team"}],
            **changes,
        }

    def obey(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Make, move and remove resources as a good provider does."""
        if method == "POST":
            made = self.made.setdefault(
                body["uuid"], {"id": f"r{len(self.made)}", "plan": body["plan"], "body": body}
            )
            url = f"https://notes.example.com/{made['id']}"
            return 201, {"id": made["id"], "config": {"NOTES_URL": url}, "message": "Ready."}
        if method == "PUT":
            return 200, {"message": f"Moved to {body['plan']}."}
        if method == "DELETE":
            return 204, b""
        return 404, {}

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
