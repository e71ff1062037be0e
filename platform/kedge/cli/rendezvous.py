"""Attached to a one-off dyno by Heroku's rendezvous: one TLS connection that carries its bytes.

The client sends the secret of the attach URL and a line end; the server answers the line
`rendezvous` when the command runs; then raw bytes go both ways. The byte 0x04 ends the command's
input. The server closes when the command has ended.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kedge.cli.failure import CommandFailed

GREETING = b"rendezvous\r\n"
END_OF_INPUT = b"\x04"
INTERRUPT = b"\x03"
PIECE_BYTES = 64 * 1024
BACKLOG_BYTES = 256 * 1024
START_SECONDS = 150.0
ESCAPE_PRESSES = 4
ESCAPE_SECONDS = 1.0


class Escaped(Exception):
    """Ctrl-C was pressed four times within a second."""


def connect(attach_url: str, trust: ssl.SSLContext) -> ssl.SSLSocket:
    """The connection, once the command runs.

    Args:
        attach_url: `rendezvous://HOST:PORT/SECRET` of the dyno.
        trust: whom to believe; the connection is always verified.

    Raises:
        CommandFailed: it cannot be made, is not trusted, or the command did not start.
    """
    parts = urlsplit(attach_url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        plain = socket.create_connection((_resolvable(host), port), timeout=10)
        connection = trust.wrap_socket(plain, server_hostname=host)
        secret = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        connection.sendall(f"{secret}\r\n".encode())
        connection.settimeout(START_SECONDS)
        _greeted(connection)
    except ssl.SSLCertVerificationError as failed:
        raise CommandFailed(
            f"The certificate of {host}:{port} is not trusted here: {failed.verify_message}.",
            "Name the CA (ca.pem in the platform's home) by KEDGE_CA, or "
            "`kedge login URL --ca ca.pem`.",
        ) from None
    except OSError as failed:
        raise CommandFailed(
            f"The dyno cannot be reached at {host}:{port}: {failed}.",
            "The port must be open from here; `kedge run:detached` does without it.",
        ) from None
    connection.setblocking(False)
    return connection


def _resolvable(host: str) -> str:
    """`*.localhost` is this machine; the C library does not know that."""
    return "127.0.0.1" if host.endswith(".localhost") else host


def _greeted(connection: ssl.SSLSocket) -> None:
    """Read exactly the greeting, so that what follows is the command's own."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise CommandFailed(
                "The dyno ended before its command ran.",
                "`kedge logs` and `kedge why` say more.",
            )
        line += byte
    if line != GREETING:
        raise CommandFailed(f"What answered is no rendezvous: {line[:80]!r}.")


@dataclass
class Attachment:
    """Bytes from stdin to the dyno and from the dyno to stdout, until the dyno closes.

    One thread and no blocking call on the connection, so that a command which prints while it is
    fed cannot make both sides wait for each other.
    """

    connection: ssl.SSLSocket
    interactive: bool
    pending: bytearray = field(default_factory=bytearray)
    reads_input: bool = True
    interrupts: list[float] = field(default_factory=list)

    def copy(self) -> None:
        """Copy until the dyno closes.

        Raises:
            Escaped: the person wants out.
            CommandFailed: the input cannot be carried.
        """
        while True:
            self._wait()
            if not self._receive():
                return
            self._read_input()
            self._send()

    def _wait(self) -> None:
        if self.connection.pending():
            return
        connection, stdin = self.connection.fileno(), sys.stdin.fileno()
        readers = [connection, stdin] if self._takes_input() else [connection]
        select.select(readers, [connection] if self.pending else [], [])

    def _takes_input(self) -> bool:
        return self.reads_input and len(self.pending) < BACKLOG_BYTES

    def _receive(self) -> bool:
        """Print what has come. Out: whether more can come."""
        try:
            piece = self.connection.recv(PIECE_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False
        _write_all(sys.stdout.fileno(), piece)
        return bool(piece)

    def _read_input(self) -> None:
        if not self._takes_input() or not select.select([sys.stdin], [], [], 0)[0]:
            return
        piece = os.read(sys.stdin.fileno(), PIECE_BYTES)
        if self.interactive:
            self._watch_for_escape(piece)
        elif END_OF_INPUT in piece:
            raise CommandFailed(
                "The input holds the byte 0x04, which ends the input of a one-off dyno.",
                "Encode it: `base64 FILE | kedge run 'base64 -d | …'`.",
            )
        if not piece:
            self.reads_input = False
        self.pending += piece or END_OF_INPUT

    def _watch_for_escape(self, piece: bytes) -> None:
        now = time.monotonic()
        self.interrupts += [now] * piece.count(INTERRUPT)
        self.interrupts = [at for at in self.interrupts if now - at < ESCAPE_SECONDS]
        if len(self.interrupts) >= ESCAPE_PRESSES:
            raise Escaped

    def _send(self) -> None:
        if not self.pending:
            return
        try:
            sent = self.connection.send(self.pending[:PIECE_BYTES])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:  # the dyno has ended; what it printed last is still to be read
            self.reads_input = False
            self.pending.clear()
            return
        del self.pending[:sent]


def _write_all(descriptor: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]
