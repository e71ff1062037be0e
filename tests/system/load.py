"""Visitors of an app, in a process of their own, who count every failed request.

    python -m system.load PORT HOST      works until its stdin ends, then prints a JSON report

The mix: kept-alive connections, fresh ones, uploads that trickle in, answers that stream for ten
seconds, websockets. A request has failed when it did not get a complete 2xx or 3xx within 30 s. A
kept-alive connection that the other side closed while it lay idle is not a failure; one that is
closed under a request just written, less than 10 s after the last answer, is.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Self

LIMIT_SECONDS = 30.0
IDLE_SECONDS = 10.0
STREAM_SECONDS = 10.0
UPLOAD_PIECES, PIECE_BYTES = 15, 2000

VISITED = {
    "Procfile": "web: python3 server.py\n",
    "VERSION": "one",
    "server.py": r"""
import base64, hashlib, http.server, os, socketserver, sys, signal, time
VERSION, GREETING = open("VERSION").read().strip(), os.environ.get("GREETING", "-")
BODY = f"{VERSION} {GREETING} {os.environ['HEROKU_RELEASE_VERSION']}".encode()
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path.startswith("/stream"):
            self.stream(float(self.path.partition("=")[2]))
        elif self.headers.get("Upgrade") == "websocket":
            self.websocket()
        else:
            self.answer(BODY)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode())
    def stream(self, seconds):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(int(seconds * 10)):
            self.wfile.write(b"5\r\ntick\n\r\n")
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")
    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_header("Sec-WebSocket-Accept", accepted)
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(6)  # short masked frames only
            if len(head) < 6:
                return
            body = bytes(b ^ head[2 + n % 4] for n, b in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([head[0], len(body)]) + body)
            if head[0] & 15 == 8:
                return
    def log_message(self, *_):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("0.0.0.0", int(os.environ["PORT"])), Answer).serve_forever()
""",
}
"""The app the visitors know their way around in; its build takes a second."""


@dataclass
class Load:
    """The visitors, seen from the test: `start`, do what may disturb them, `stop`."""

    port: int
    host: str
    kinds: str = "kept,kept,fresh,upload,stream,websocket"
    pause_seconds: float = 0.02
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Let them come."""
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.port), self.host,
             "--kinds", self.kinds, "--pause", str(self.pause_seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stop(self) -> Report:
        """Let them finish what they are at; what they met."""
        assert self.process is not None
        said, _ = self.process.communicate(timeout=LIMIT_SECONDS + 15)
        return Report(**json.loads(said))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Report:
    """What the visitors met. `failures` say when (UNIX time), of which kind and how."""

    requests: dict[str, int]
    failures: list[dict[str, str | float]]
    bodies: list[str]
    longest_ms: float

    @property
    def total(self) -> int:
        """How many requests there were."""
        return sum(self.requests.values())


# --- in the visitors' own process --------------------------------------------------------------


class Failed(Exception):
    """A request that did not get its complete answer."""


@dataclass
class Visitor:
    """One visitor: one request after the other."""

    address: tuple[str, int]
    host: str
    pause_seconds: float
    book: Book
    connection: HTTPConnection | None = None
    answered_at: float = 0.0

    def kept(self) -> None:
        """A GET on a connection that is kept."""
        if self.connection is not None and _was_closed(self.connection):
            self._hang_up()
        is_new = self.connection is None
        connection = self.connection or self._dial()
        self.connection = connection
        try:
            self._get(connection)
        except Failed:
            self._hang_up()
            if is_new or time.monotonic() - self.answered_at < IDLE_SECONDS:
                raise
        else:
            self.answered_at = time.monotonic()
            if connection.sock is None:  # the other side asked to close after this answer
                self._hang_up()

    def fresh(self) -> None:
        """A GET on a connection of its own."""
        with contextlib.closing(self._dial()) as connection:
            self._get(connection, {"Connection": "close"})

    def upload(self) -> None:
        """A POST whose body trickles in for a second and a half."""
        import hashlib

        body = os.urandom(PIECE_BYTES) * UPLOAD_PIECES
        with contextlib.closing(self._dial()) as connection, _failing():
            connection.putrequest("POST", "/upload", skip_host=True)
            connection.putheader("Host", self.host)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            for at in range(0, len(body), PIECE_BYTES):
                connection.send(body[at : at + PIECE_BYTES])
                time.sleep(0.1)
            answer = _complete(connection.getresponse())
        if answer != hashlib.sha256(body).hexdigest().encode():
            raise Failed("the answer is to another body")

    def stream(self) -> None:
        """An answer that takes ten seconds."""
        with contextlib.closing(self._dial()) as connection, _failing():
            connection.request("GET", f"/stream?s={STREAM_SECONDS}", headers={"Host": self.host})
            body = _complete(connection.getresponse())
        if body.count(b"tick\n") != STREAM_SECONDS * 10:
            raise Failed(f"the stream ended after {len(body)} bytes")

    def websocket(self) -> None:
        """A websocket with twenty echoes in two seconds, closed by us."""
        with contextlib.closing(socket.create_connection(self.address, 10)) as wire, _failing():
            wire.settimeout(LIMIT_SECONDS)
            key = base64.b64encode(os.urandom(16)).decode()
            wire.sendall(
                f"GET /ws HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            stream = wire.makefile("rb")
            status = stream.readline().decode("latin-1")
            if " 101 " not in status:
                raise Failed(f"websocket answered {status.strip()!r}")
            while stream.readline().strip():
                pass
            for number in range(20):
                _echo(wire, stream, 0x81, f"echo {number}".encode())
                time.sleep(0.1)
            _echo(wire, stream, 0x88, b"\x03\xe8")

    def _dial(self) -> HTTPConnection:
        return HTTPConnection(*self.address, timeout=LIMIT_SECONDS)

    def _get(self, connection: HTTPConnection, headers: dict[str, str] | None = None) -> None:
        with _failing():
            connection.request("GET", "/", headers={"Host": self.host, **(headers or {})})
            self.book.saw(_complete(connection.getresponse()).decode("utf-8", "replace"))

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


@dataclass
class Book:
    """What all visitors write down."""

    requests: dict[str, int] = field(default_factory=dict)
    failures: list[dict[str, str | float]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    longest_ms: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, body: str) -> None:
        """A body, noted when it is new."""
        if body not in self.bodies:
            with self.lock:
                self.bodies.append(body)

    def note(self, kind: str, seconds: float, failure: str | None) -> None:
        """A request and how it ended."""
        if failure is None and kind in {"kept", "fresh"} and seconds > LIMIT_SECONDS:
            failure = f"answered after {seconds:.0f} s"
        with self.lock:
            self.requests[kind] = self.requests.get(kind, 0) + 1
            if kind in {"kept", "fresh"}:
                self.longest_ms = max(self.longest_ms, seconds * 1000)
            if failure is not None:
                at = round(time.time(), 3)
                self.failures.append({"at": at, "kind": kind, "how": failure})


def _visit(kind: str, visitor: Visitor, ending: threading.Event) -> None:
    act: Callable[[], None] = getattr(visitor, kind)
    while not ending.is_set():
        began = time.monotonic()
        failure = None
        try:
            act()
        except Failed as error:
            failure = str(error)
            ending.wait(0.05)
        visitor.book.note(kind, time.monotonic() - began, failure)
        ending.wait(visitor.pause_seconds)


def _complete(answer: HTTPResponse) -> bytes:
    body = answer.read()  # raises IncompleteRead when it was cut
    if not 200 <= answer.status < 400:
        raise Failed(f"status {answer.status}: {body[:80]!r}")
    return body


def _echo(wire: socket.socket, stream: object, opcode: int, words: bytes) -> None:
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(words))
    wire.sendall(bytes([opcode, 0x80 | len(words)]) + mask + masked)
    found = stream.read(2 + len(words))  # type: ignore[attr-defined]
    if found[2:] != words:
        raise Failed(f"websocket was cut: {found!r}")


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Everything a broken answer raises, as a failed request."""
    try:
        yield
    except (OSError, HTTPException) as error:
        raise Failed(f"{type(error).__name__}: {error}") from error


def _was_closed(connection: HTTPConnection) -> bool:
    """Whether the other side closed it while it lay idle."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def main() -> None:
    """Visit until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("host")
    parser.add_argument("--kinds", default=Load.kinds)
    parser.add_argument("--pause", type=float, default=0.01)
    given = parser.parse_args()
    book, ending = Book(), threading.Event()
    threads = []
    for kind in given.kinds.split(","):
        visitor = Visitor(("127.0.0.1", given.port), given.host, given.pause, book)
        threads.append(threading.Thread(target=_visit, args=(kind, visitor, ending), daemon=True))
        threads[-1].start()
    sys.stdin.read()
    ending.set()
    for thread in threads:
        thread.join(LIMIT_SECONDS + 10)
    sys.stdout.write(
        json.dumps(
            {
                "requests": book.requests,
                "failures": book.failures,
                "bodies": book.bodies,
                "longest_ms": book.longest_ms,
            }
        )
    )


if __name__ == "__main__":
    main()
