"""The streams of a dyno or of a command in it, both ways, over the engine's hijacked connection."""

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
STANDARD_OUTPUT = 1


class Streams:
    """Bytes both ways over a connection the engine gave over; not multiplexed on a terminal."""

    def __init__(self, answer: Any, *, tty: bool) -> None:
        """`answer` is what the SDK hands out: over TCP and unix sockets alike, around a socket."""
        self._answer, self._tty = answer, tty
        self._closed = False
        self._socket: socket.socket = getattr(answer, "_sock", answer)
        self._socket.settimeout(None)
        chunks = self._chunks()
        self._output = ((STANDARD_OUTPUT, chunk) for chunk in chunks) if tty else frames(chunks)

    def send(self, payload: bytes) -> None:
        """Write to the standard input; what comes after its end is lost."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(payload)

    def close_stdin(self) -> None:
        """End of the standard input: Ctrl-D on a terminal."""
        if self._tty:
            self.send(END_OF_TRANSMISSION)
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def receive(self) -> bytes:
        """The next bytes that were written, b"" at the end."""
        return self.receive_of_stream()[1]

    def receive_of_stream(self) -> tuple[int, bytes]:
        """The same with where they were written: 1 standard output, 2 error."""
        return next(self._output, (STANDARD_OUTPUT, b""))

    def close(self) -> None:
        """Let go of the streams; what runs goes on."""
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


class DockerAttachment(Streams):
    """An `Attachment` to one container, taken before it is started."""

    def __init__(self, engine: Engine, runtime_id: str) -> None:
        self._engine = engine
        self._runtime_id = runtime_id
        self._pending_size: tuple[int, int] | None = None
        with translated("attach to a dyno"):
            tty: bool = engine.api.inspect_container(runtime_id)["Config"]["Tty"]
            answer = engine.api.attach_socket(
                runtime_id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
        super().__init__(answer, tty=tty)

    def receive(self) -> bytes:
        """The next bytes the dyno wrote, b"" at the end."""
        payload = super().receive()
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
