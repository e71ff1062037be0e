"""The TLS server attached one-off dynos are reached at, by Heroku's rendezvous protocol.

The client sends the secret of its `attach_url` and a line end; the server answers `rendezvous` when
the dyno runs; then raw bytes go both ways. Whoever sends no secret, or a wrong one, gets nothing.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from kedge.engine.rendezvous_session import Conversation, Session, turn_away
from kedge.engine.rendezvous_wire import Wire

__all__ = ["RendezvousServer", "Session"]

log = structlog.get_logger()

MOST_SECRET_BYTES = 4096
SECRET_SECONDS = 10.0
MOST_SESSIONS = 64
# Connections that have not said their secret yet; more are closed at once.
MOST_WAITING = 128
IDLE_SECONDS = 3600.0
RETRY_SECONDS = 0.2
TOO_MANY = "Too many one-off dynos are attached. Try again when one has ended."


class RendezvousServer:
    """Listens, asks for secrets, and carries each session in threads of its own."""

    def __init__(
        self,
        bind: str,
        port: int,
        certificate: Path,
        claim: Callable[[str], Session | None],
        *,
        idle_seconds: float = IDLE_SECONDS,
        secret_seconds: float = SECRET_SECONDS,
        most_sessions: int = MOST_SESSIONS,
    ) -> None:
        """`certificate` holds chain and key; a renewed one is used without a restart.

        `claim` gives the session of a secret, once; None for an unknown or used one. It is called
        from many threads.
        """
        self._address = (bind, port)
        self._certificate = certificate
        self._claim = claim
        self._idle_seconds = idle_seconds
        self._secret_seconds = secret_seconds
        self._sessions = threading.BoundedSemaphore(most_sessions)
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._loaded: tuple[int, int] | None = None
        self._closing = threading.Event()
        self._wires: set[Wire] = set()
        self._lock = threading.Lock()

    def start(self) -> int:
        """Listen from now on; returns the port (a free one when 0 was asked for).

        Raises:
            OSError: the port is taken, or the certificate cannot be read.
        """
        self._load_certificate()
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=128)
        threading.Thread(target=self._accept, name="rendezvous", daemon=True).start()
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Take nobody any more, and end the sessions there are as if their clients had gone."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.break_off()

    def _load_certificate(self) -> None:
        """Take the certificate from its file, when that is new. Raises OSError."""
        state = self._certificate.stat()
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp != self._loaded:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self._certificate)
            self._context, self._loaded = context, stamp

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            try:
                self._load_certificate()
            except OSError as error:  # being written: the one we have is good
                log.warning("rendezvous.certificate_unread", reason=str(error))
            return self._context

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError as error:
                if not self._closing.is_set():  # out of descriptors: others will close some
                    log.warning("rendezvous.accept_failed", reason=str(error))
                    self._closing.wait(RETRY_SECONDS)
                continue
            if not self._waiting.acquire(blocking=False):
                plain.close()
                continue
            self._spawn(plain)

    def _spawn(self, plain: socket.socket) -> None:
        try:
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()
        except RuntimeError as error:  # no more threads
            log.warning("rendezvous.no_thread", reason=str(error))
            self._waiting.release()
            plain.close()

    def _serve(self, plain: socket.socket) -> None:
        """One connection from its first byte to its end."""
        try:
            wire, secret = self._introduced(plain)
        except (OSError, ValueError):  # bad TLS, a port scan, somebody who went away again
            plain.close()
            return
        finally:
            self._waiting.release()
        try:
            session = self._claim(secret)
            if session is not None:
                self._carry(wire, session)
        except Exception:
            # The boundary of a thread: one failed session must not be silent, nor end others.
            log.exception("rendezvous.failed")
        finally:
            wire.end()

    def _introduced(self, plain: socket.socket) -> tuple[Wire, str]:
        """The connection after its handshake, and the secret it sent.

        Raises:
            OSError, ValueError: no TLS, no line, or not within the time.
        """
        deadline = time.monotonic() + self._secret_seconds
        plain.settimeout(self._secret_seconds)
        connection = self._tls().wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
            secret = _secret(connection, deadline)
            return Wire(connection), secret
        except BaseException:
            connection.close()
            raise

    def _carry(self, wire: Wire, session: Session) -> None:
        with self._lock:
            self._wires.add(wire)
        try:
            if not self._sessions.acquire(blocking=False):
                turn_away(wire, session, TOO_MANY)
                return
            try:
                Conversation(wire, session, self._idle_seconds).run()
            finally:
                self._sessions.release()
        finally:
            with self._lock:
                self._wires.discard(wire)


def _secret(connection: ssl.SSLSocket, deadline: float) -> str:
    """The first line. Read byte by byte, so that what follows it stays for the dyno."""
    line = b""
    while not line.endswith(b"\n"):
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        byte = connection.recv(1)
        if not byte or len(line) > MOST_SECRET_BYTES:
            raise ConnectionError("no secret")
        line += byte
    return line.strip().decode("ascii")
