"""The streams of a one-off dyno, both ways, over the engine's hijacked connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import docker.errors

from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.output import frames

READ_BYTES = 64 * 1024
END_OF_TRANSMISSION = b"\x04"


class DockerAttachment:
    """An `Attachment` to one container, taken before it is started."""

    def __init__(self, engine: Engine, runtime_id: str) -> None:
        self._engine = engine
        self._runtime_id = runtime_id
        self._pending_size: tuple[int, int] | None = None
        self._closed = False
        with translated("attach to a dyno"):
            self._tty: bool = engine.api.inspect_container(runtime_id)["Config"]["Tty"]
            self._answer: Any = engine.api.attach_socket(
                runtime_id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
        # Over TCP and unix sockets alike the SDK hands out a file around the socket.
        self._socket: socket.socket = getattr(self._answer, "_sock", self._answer)
        self._socket.settimeout(None)
        self._output = self._chunks() if self._tty else (part for _, part in frames(self._chunks()))

    def send(self, payload: bytes) -> None:
        """Write to the dyno's standard input; what comes after its end is lost."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(payload)

    def close_stdin(self) -> None:
        """End of the dyno's standard input: Ctrl-D on a terminal."""
        if self._tty:
            self.send(END_OF_TRANSMISSION)
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def receive(self) -> bytes:
        """The next bytes the dyno wrote, b"" at the end."""
        payload = next(self._output, b"")
        if payload and self._pending_size:
            self.resize(*self._pending_size)
        return payload

    def resize(self, columns: int, lines: int) -> None:
        """Tell the dyno's terminal its size; kept until it runs when it does not yet."""
        if not self._tty:
            return
        self._pending_size = None
        with translated("resize a terminal"):
            try:
                self._engine.api.resize(self._runtime_id, lines, columns)
            except docker.errors.APIError:
                # Not started yet, or already at its end: the engine tells these apart in words
                # only. Asked once more when the dyno writes.
                self._pending_size = (columns, lines)

    def close(self) -> None:
        """Let go of the streams; the dyno goes on."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._socket.close()
        self._answer.close()

    def fileno(self) -> int:
        """For waiting with a selector."""
        return self._socket.fileno()

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = self._socket.recv(READ_BYTES)
            except OSError:  # closed by `close`, or the engine went away
                return
            if not chunk:
                return
            yield chunk
