"""A command inside a server's container. What it is told goes by its standard input.

Neither its arguments nor its environment carry secrets: both are for everyone to read who may
look at processes or ask the engine.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.errors

from kedge_addons.engine import Engine, is_status, translated
from kedge_addons.errors import Away

SECONDS = 60.0
HEAD_BYTES = 8  # before each frame: stream, three zeros, length (Docker's API, "attach")
STDOUT, STDERR = 1, 2
CHUNK_BYTES = 1 << 16
KEPT_ERROR_BYTES = 16_384
END_SECONDS = 5.0


class Failed(Away):
    """A command ended with another status than 0. `stderr`: what it said."""

    def __init__(self, program: str, status: int | None, stderr: str) -> None:
        super().__init__(f"{program} inside the server ended with status {status}.")
        self.exit_status, self.stderr = status, stderr


@dataclass(slots=True)
class Execution:
    """One command that runs; iterate over `output` to its end, then look at `status`."""

    engine: Engine
    exec_id: str
    connection: socket.socket
    program: str
    deadline: float
    stderr: bytearray

    def output(self, given: Iterable[bytes] = ()) -> Iterator[bytes]:
        """What it writes, while it is given its input. Raises Away: it takes too long."""
        pieces = iter(given)
        pending: bytes | None = b""
        buffer = bytearray()
        while True:
            writers = [self.connection] if pending is not None else []
            readable, writable, _ = select.select([self.connection], writers, [], self._left())
            if writable and pending is not None:
                pending = self._give(pending or next(pieces, None))
            if readable:
                piece = self.connection.recv(CHUNK_BYTES)
                if not piece:
                    return
                buffer += piece
                yield from self._frames(buffer)

    def status(self) -> int | None:
        """Its exit status, a moment after its streams have ended; None when it is not known."""
        until = time.monotonic() + END_SECONDS
        while True:
            with translated("look how a command ended"):
                state = self.engine.api.exec_inspect(self.exec_id)
            if not state["Running"] or time.monotonic() > until:
                return None if state["ExitCode"] is None else int(state["ExitCode"])
            time.sleep(0.01)

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Away(f"{self.program} inside the server took too long.")
        return left

    def _give(self, piece: bytes | None) -> bytes | None:
        """What of a piece is still to be sent; None once the input's end was told."""
        if piece is None:
            self.connection.shutdown(socket.SHUT_WR)
            return None
        return piece[self.connection.send(piece) :]

    def _frames(self, buffer: bytearray) -> Iterator[bytes]:
        while len(buffer) >= HEAD_BYTES:
            stream, length = struct.unpack(">BxxxL", buffer[:HEAD_BYTES])
            if len(buffer) < HEAD_BYTES + length:
                return
            payload = bytes(buffer[HEAD_BYTES : HEAD_BYTES + length])
            del buffer[: HEAD_BYTES + length]
            if stream == STDOUT:
                yield payload
            elif len(self.stderr) < KEPT_ERROR_BYTES:
                self.stderr += payload


def stream(
    engine: Engine,
    container: str,
    command: Sequence[str],
    given: Iterable[bytes] = (),
    *,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Iterator[bytes]:
    """What a command writes, as it comes.

    Raises:
        Failed: it ended with another status than 0; raised at the end of the stream.
        Away: the container does not run, the engine does not answer, or it took too long.
    """
    running = _start(engine, container, command, env or {}, seconds)
    try:
        with translated("run a command"):
            yield from running.output(given)
        status = running.status()
    finally:
        running.connection.close()
    if status != 0:
        raise Failed(command[0], status, bytes(running.stderr).decode(errors="replace"))


def run(
    engine: Engine, container: str, command: Sequence[str], given: bytes = b"",
    *, env: Mapping[str, str] | None = None, seconds: float = SECONDS,
) -> str:  # fmt: skip
    """All that a command writes, as text. Raises as `stream`."""
    pieces = stream(engine, container, command, [given] if given else [], env=env, seconds=seconds)
    return b"".join(pieces).decode(errors="replace")


def _start(
    engine: Engine, container: str, command: Sequence[str], env: Mapping[str, str], seconds: float
) -> Execution:
    with translated(f"run {command[0]}"):
        try:
            made = engine.api.exec_create(
                container, list(command), stdin=True, environment=dict(env)
            )
            answer: Any = engine.api.exec_start(made["Id"], socket=True)
        except docker.errors.APIError as error:
            if is_status(error, 404, 409):
                raise Away("The server does not run.") from error
            raise
    # Over a unix socket the SDK gives a file around the socket, and TCP likewise.
    connection = getattr(answer, "_sock", answer)
    connection.setblocking(True)
    deadline = time.monotonic() + seconds
    return Execution(engine, made["Id"], connection, command[0], deadline, bytearray())
