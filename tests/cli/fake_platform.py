"""A platform of canned answers for the command line to speak to, and a real rendezvous server."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import ipaddress
import json
import os
import pty
import select
import socket
import ssl
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "t0ken-of-the-owner"
NOW = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
USER = {"id": "01234567-0000-4000-8000-000000000001", "email": "owner@localhost"}


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer: JSON, or bytes that go out piece by piece."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None


def refusal(status: int, error_id: str, message: str, **more: str) -> Answer:
    return Answer({"id": error_id, "message": message, **more}, status)


def app(name: str = "shop") -> dict[str, Any]:
    return {
        "id": "aaaaaaaa-0000-4000-8000-000000000001", "name": name,
        "web_url": f"http://{name}.localhost:8080/", "git_url": f"http://localhost:8080/{name}.git",
        "owner": USER, "stack": {"name": "kedge-13"}, "build_stack": {"name": "kedge-13"},
        "region": {"name": "local"}, "maintenance": False, "slug_size": 12_345_678,
        "repo_size": None, "created_at": NOW, "released_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def release(
    version: int, description: str, status: str = "succeeded", **more: Any
) -> dict[str, Any]:
    return {
        "id": f"bbbbbbbb-0000-4000-8000-{version:012}", "version": version, "status": status,
        "description": description, "current": False, "user": USER, "created_at": NOW,
        "updated_at": NOW, "slug": {"id": "cccccccc-0000-4000-8000-000000000001"},
        "addon_plan_names": [], "output_stream_url": None, "eligible_for_rollback": True, **more,
    }  # fmt: skip


def dyno(
    name: str, state: str = "up", version: int = 7, command: str = "python app.py"
) -> dict[str, Any]:
    return {
        "id": f"dddddddd-0000-4000-8000-{abs(hash(name)) % 10**12:012}", "name": name,
        "type": name.partition(".")[0], "state": state, "size": "Standard-1X", "command": command,
        "release": {"id": "x", "version": version}, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def formation(kind: str, quantity: int, command: str) -> dict[str, Any]:
    return {
        "id": kind,
        "type": kind,
        "quantity": quantity,
        "size": "Standard-1X",
        "command": command,
    }


def rollout(head: int | None = 7, **more: Any) -> dict[str, Any]:
    return {
        "settled": True, "head": head, "rolling_out": None, "stage": None, "failed": None,
        "dynos": [{"name": "web.1", "state": "up", "release": head}], **more,
    }  # fmt: skip


class FakePlatform:
    """Answers by (method, path); an answer may be a function of what was asked, or a list of them.

    Of a list each is given once, the last one for ever.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"
        self._releases = [release(1, "Initial release"), release(2, "Enable Logplex")]
        self._fill()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, method: str, path: str) -> list[Asked]:
        """What was asked for there, in order."""
        return [a for a in self.asked if (a.method, a.path) == (method, path)]

    def _fill(self) -> None:
        releases = [
            release(9, "Deploy 9f8e7d6c", "failed", eligible_for_rollback=False),
            release(8, "Set A config vars", "expired"),
            release(7, "Deploy 1a2b3c4d", current=True),
            release(6, "Set STRIPE_KEY, [red] config vars", eligible_for_rollback=False),
            release(5, "Deploy 00112233"),
        ]
        self.answers |= {
            ("GET", "/account"): USER,
            ("GET", "/apps"): [app("shop"), app("theirs")],
            ("GET", "/users/~/apps"): [app("shop"), app("blog")],
            ("POST", "/apps"): lambda a: Answer(app(a.json.get("name", "calm-sea-1234")), 201),
            ("GET", "/apps/shop"): app(),
            ("PATCH", "/apps/shop"): lambda a: Answer(app() | {"name": a.json.get("name", "shop")}),
            ("DELETE", "/apps/shop"): app(),
            ("GET", "/apps/shop/releases"): releases,
            ("GET", "/apps/shop/config-vars"): {"A": "1", "GREETING": "it's 5 o'clock\nhere"},
            ("PATCH", "/apps/shop/config-vars"): {},
            ("GET", "/apps/shop/formation"): [
                formation("web", 2, "python app.py"), formation("worker", 1, "python worker.py"),
                formation("clock", 0, "python clock.py"),
            ],
            ("GET", "/apps/shop/dynos"): [
                dyno("web.2", "starting", 8), dyno("web.10"), dyno("worker.1", "crashed"),
                dyno("run.4821", command="python manage.py shell"),
            ],
            ("GET", "/kedge/apps/shop/rollout"): rollout(),
            ("GET", "/kedge/apps/shop/releases/diff"): lambda a: Answer(self.difference(a.query)),
            ("GET", "/kedge/apps/shop/releases/verify"): {
                "verified": True, "releases": 9, "broken_at": None, "reason": None,
            },
        }  # fmt: skip
        for one in releases:
            self.answers["GET", f"/apps/shop/releases/{one['version']}"] = one

    @staticmethod
    def difference(query: dict[str, str]) -> dict[str, Any]:
        return {
            "from": int(query.get("from", 7)), "to": int(query["to"]),
            "code": {"from": "1a2b3c4d", "to": "00112233", "same": False},
            "config": [{"key": "A", "change": "changed"}, {"key": "NEW", "change": "removed"}],
            "process_types": [{"type": "web", "from": "python app.py", "to": "python old.py"}],
            "formation": [{"type": "web", "from": 2, "to": 1}],
            "stack": {"from": "kedge-13", "to": "kedge-13"},
        }  # fmt: skip

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path))
        if found is None:
            return refusal(404, "not_found", "Couldn't find that app.", resource="app")
        if asked.headers.get("authorization") != f"Bearer {TOKEN}" and not self._is_stream(asked):
            return refusal(401, "unauthorized", "Invalid credentials provided.")
        if isinstance(found, Steps):
            found = found.next()
        if callable(found):
            found = found(asked)
        return found if isinstance(found, Answer) else Answer(found)

    @staticmethod
    def _is_stream(asked: Asked) -> bool:
        return asked.path.startswith("/streams/")

    def _handler(platform) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the class has a self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                size = int(self.headers.get("Content-Length") or 0)
                asked = Asked(
                    self.command, parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()},
                    {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size),
                )  # fmt: skip
                self.give(platform.answer(asked))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

            def give(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.pieces is not None:
                    self.send_header("Connection", "close")
                    self.end_headers()
                    for piece in answer.pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                    self.close_connection = True
                    return
                body = b"" if answer.body is None else json.dumps(answer.body).encode()
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


class Steps:
    """Answers given one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA (its file) and the server side of TLS for localhost with a certificate it signed."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kedge test CA")])
    ca = _signed(ca_name, ca_name, ca_key.public_key(), ca_key, [
        (x509.BasicConstraints(ca=True, path_length=0), True),
    ])  # fmt: skip
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = _signed(leaf_name, ca_name, key.public_key(), ca_key, [
        (x509.SubjectAlternativeName(alternatives), False),
    ])  # fmt: skip
    pem = serialization.Encoding.PEM
    ca_file, both = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(leaf.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return ca_file, context


def _signed(subject, issuer, public_key, signer, extensions) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=2))
    )  # fmt: skip
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


class Rendezvous:
    """The side of `kedge run` that runs what was asked for, with a terminal or with pipes."""

    def __init__(self, platform: FakePlatform, context: ssl.SSLContext) -> None:
        self._platform = platform
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.status: int | None = None
        self.asked: dict[str, Any] = {}
        self.breaks_off = False
        platform.answers["POST", "/apps/shop/dynos"] = self._start
        platform.answers["GET", "/kedge/dynos/d1"] = self._dyno
        platform.answers["POST", "/apps/shop/dynos/web.1"] = self._start
        platform.answers["GET", "/kedge/inside-runs/d1"] = self._dyno

    def close(self) -> None:
        self._listener.close()

    def _start(self, asked: Asked) -> Answer:
        self.asked = asked.json
        threading.Thread(target=self._serve, daemon=True).start()
        body = dyno("run.4821", "starting") | {"id": "d1"}
        if asked.json["attach"]:
            body["attach_url"] = f"rendezvous://localhost:{self.port}/s3cret"
        return Answer(body, 201)

    def _dyno(self, asked: Asked) -> Answer:
        state = "up" if self.status is None else "ended"
        return Answer({"id": "d1", "name": "run.4821", "state": state, "exit_status": self.status})

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        try:
            connection = self._context.wrap_socket(plain, server_side=True)
        except OSError:  # the client did not trust it
            return
        with connection:
            line = b""
            while not line.endswith(b"\r\n"):
                line += connection.recv(1)
            if line != b"s3cret\r\n":
                return
            connection.sendall(b"rendezvous\r\n")
            if self.breaks_off:
                return
            serve = self._with_pipes if self.asked.get("force_no_tty") else self._with_terminal
            status = serve(connection)
            self.status = status
            with contextlib.suppress(OSError):  # the client closes without an answer
                connection.unwrap()

    def _with_pipes(self, connection: ssl.SSLSocket) -> int:
        child = subprocess.Popen(
            ["sh", "-c", self.asked["command"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert child.stdin
        assert child.stdout
        _copy(connection, child.stdin.fileno(), child.stdout.fileno(), child.stdin.close)
        return child.wait()

    def _with_terminal(self, connection: ssl.SSLSocket) -> int:
        env = self.asked["env"]
        master, slave = pty.openpty()
        size = struct.pack("HHHH", env["LINES"], env["COLUMNS"], 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        child = subprocess.Popen(
            ["sh", "-c", self.asked["command"]],
            stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": env["TERM"]},
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        _copy(connection, master, master, lambda: None)
        os.close(master)
        child.terminate()
        return child.wait()


def _copy(
    connection: ssl.SSLSocket, sink: int, source: int, close_input: Callable[[], None]
) -> None:
    """Both ways until the command's output ends; 0x04 closes the input of a piped one."""
    open_input = True
    while True:
        watched = [source, connection] if open_input else [source]
        ready = (
            [connection]
            if open_input and connection.pending()
            else select.select(watched, [], [])[0]
        )
        if source in ready:
            try:
                piece = os.read(source, 65536)
            except OSError:  # a terminal's other end is closed
                piece = b""
            if not piece:
                return
            connection.sendall(piece)
        if connection in ready:
            piece = connection.recv(16384)
            if not piece:
                return
            is_end = sink != source and piece.endswith(b"\x04")
            os.write(sink, piece[:-1] if is_end else piece)
            if is_end:
                close_input()
                open_input = False
