"""Whether a server answers: one short question each, asked without any client library.

`kedge up` stays in memory for as long as Kedge runs, so these stay small. None stands for "yes, it
answers"; anything else is the reason it does not, in words.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PATIENCE_SECONDS = 2.0
POSTGRES_PROTOCOL = 196608  # 3.0
STARTING_UP = b"C57P03"  # cannot_connect_now

Probe = Callable[[], str | None]


def probed(ask: Callable[[], str | None]) -> str | None:
    """The question's answer; what goes wrong on the way counts as "does not answer"."""
    try:
        return ask()
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({getattr(error, 'strerror', None) or error})"


def unix(path: Path) -> socket.socket:
    """A connection to a unix socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def tcp(host: str, port: int) -> socket.socket:
    """A connection to a port."""
    return socket.create_connection((host, port), PATIENCE_SECONDS)


def postgres(url: str) -> str | None:
    """Whether a PostgreSQL server takes connections: what `pg_isready` asks."""
    with _connected(url, 5432) as connection:
        body = struct.pack("!i", POSTGRES_PROTOCOL) + _login(url)
        connection.sendall(struct.pack("!i", len(body) + 4) + body)
        answer = connection.recv(1024)
    if not answer:
        return "closed the connection"
    # A refusal for lack of a password is an answer; only "starting up" and "shutting down" are not.
    return "is starting up" if answer[:1] == b"E" and STARTING_UP in answer else None


def _login(url: str) -> bytes:
    """User and database of the question; every server has a database `postgres`."""
    return f"user\0{urlsplit(url).username or 'kedge'}\0database\0postgres\0\0".encode()


def redis(url: str) -> str | None:
    """Whether a Redis server answers; a demand for a password is an answer too."""
    with _connected(url, 6379) as connection:
        connection.sendall(b"PING\r\n")
        answer = connection.recv(64)
    return None if answer[:1] in {b"+", b"-"} and b"LOADING" not in answer else "is loading"


def _connected(url: str, usual_port: int) -> socket.socket:
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if parts.scheme == "unix":
        return unix(Path(unquote(parts.path)))
    if folder.startswith("/"):
        return unix(Path(folder) / f".s.PGSQL.{parts.port or usual_port}")
    return tcp(parts.hostname or folder or "127.0.0.1", parts.port or usual_port)


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = unix(self._path)


def http_answer(connection: http.client.HTTPConnection, path: str) -> str | None:
    """Whether a server answers a GET with anything below 500."""
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        status = connection.getresponse().status
    finally:
        connection.close()
    return None if status < 500 else f"answers {status}"


def engine(docker_host: str) -> str | None:
    """Whether a Docker engine answers at DOCKER_HOST, or at the usual socket when that is empty."""
    parts = urlsplit(docker_host or "unix:///var/run/docker.sock")
    if parts.scheme == "unix":
        return http_answer(UnixHTTP(Path(parts.path)), "/_ping")
    if parts.scheme == "tcp" and "DOCKER_TLS_VERIFY" not in os.environ:
        host = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
        return http_answer(host, "/_ping")
    return _asked_by_cli()


def _asked_by_cli() -> str | None:
    """TLS and ssh are the Docker CLI's business."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (subprocess.SubprocessError, OSError):
        return "does not answer"
    return None
