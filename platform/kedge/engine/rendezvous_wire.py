"""A TLS connection that two threads may use: one that sends, one that receives.

OpenSSL lets only one of them at a connection at a time, so each call holds a lock, and none waits
for the network within it. The connection is never half-closed: Python drops the TLS layer then.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from contextlib import suppress

# The most a TLS record carries (RFC 8446, 5.1); one call with no more than that is one record.
RECORD_BYTES = 16 * 1024
# How often a thread that waits looks whether the connection was ended.
LOOK_SECONDS = 0.5
# How long the peer may take to close after us, so that nothing sent is lost by a reset.
LINGER_SECONDS = 2.0
# A peer that vanished without a word is noticed within two minutes.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class Wire:
    """One client's connection, its handshake done."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        connection.setblocking(False)
        for level, option, value in KEEPALIVE:
            connection.setsockopt(level, option, value)
        self._connection = connection
        self._lock = threading.Lock()
        self._ended = False
        self.active_at = time.monotonic()

    def send(self, payload: bytes) -> None:
        """Send all of it; up to 16 KB go as one TLS record.

        Raises:
            OSError: the client has gone, or the connection was ended.
        """
        rest = memoryview(payload)
        while rest:
            try:
                with self._lock:
                    self._check()
                    sent = self._connection.send(rest[:RECORD_BYTES])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._wait(select.POLLOUT, LOOK_SECONDS)
            else:
                self.active_at = time.monotonic()
                rest = rest[sent:]

    def receive(self, seconds: float) -> bytes | None:
        """What came within a time, None for nothing, b"" when the client has gone.

        Raises:
            OSError: the client has gone, or the connection was ended.
        """
        payload = self._receive_now()
        if payload is None and self._wait(select.POLLIN, seconds):
            payload = self._receive_now()
        if payload:
            self.active_at = time.monotonic()
        return payload

    def has_left(self) -> bool:
        """Whether the client closed its side, also when bytes it sent before are not read yet."""
        gone = select.POLLRDHUP | select.POLLHUP | select.POLLERR
        return self._wait(select.POLLRDHUP, 0) & gone != 0

    def end(self) -> None:
        """Say goodbye in TLS and close; what was sent still arrives."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            deadline = time.monotonic() + LINGER_SECONDS
            with suppress(OSError, ValueError):  # gone already
                self._say_goodbye(deadline)
                self._connection.shutdown(socket.SHUT_WR)
                while self._wait(select.POLLIN, deadline - time.monotonic()):
                    if not self._connection.recv(RECORD_BYTES):
                        break
            self._connection.close()

    def break_off(self) -> None:
        """Let both threads know that it is over, without waiting for anything."""
        with suppress(OSError):  # gone already
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def _receive_now(self) -> bytes | None:
        with self._lock:
            self._check()
            try:
                return self._connection.recv(RECORD_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None

    def _check(self) -> None:
        if self._ended:
            raise ConnectionAbortedError("the connection was ended")

    def _say_goodbye(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            try:
                self._connection.unwrap()
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline - time.monotonic())
            except (ssl.SSLError, OSError):  # said; the client's own goodbye is not waited for
                return
            else:
                return

    def _wait(self, what: int, seconds: float) -> int:
        """The events there are within a time, 0 for none."""
        poll = select.poll()  # unlike select(), it takes descriptors over 1,023
        try:
            poll.register(self._connection, what)
        except ValueError:  # closed
            return select.POLLHUP
        found = poll.poll(max(0.0, seconds) * 1000)
        return found[0][1] if found else 0
