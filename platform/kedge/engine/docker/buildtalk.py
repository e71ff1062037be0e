"""The talk with the runner in a build's container: the order in, screen and result out.

The other side is `buildpacks/_runner/serve.py`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from kedge.engine.docker.attach import DockerAttachment
from kedge.engine.docker.client import Engine
from kedge.engine.docker.parcels import packed

log = structlog.get_logger()
SCREEN, RESULT = 1, 2
END_OF_SCREEN = b"\0"
ASK_SECONDS = 1.0
# Pieces waiting for whoever takes them; a slow one makes the build wait, not this process grow.
WAITING_PIECES = 64


class Talk:
    """With one container, from before its start. Who lets go of it ends the container's runner.

    `emit` gets what is for the screen, and `check` is called every second, where these are asked
    for; what they raise goes through.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        self._attachment = DockerAttachment(engine, container)
        # Read in a thread, so that waiting for it can be cut short; b"" ends it.
        self._pieces: queue.Queue[tuple[int, bytes]] = queue.Queue(WAITING_PIECES)
        self._has_ended = False
        self._screen_is_complete = False
        threading.Thread(target=self._pump, name="build-output", daemon=True).start()

    def is_silent(self) -> bool:
        """Whether nothing has come yet, nor its end."""
        return self._pieces.empty() and not self._has_ended

    def give(self, order: Iterable[tuple[str, bytes | Path]]) -> None:
        """Send the order, in a thread: who watches must not wait for a runner that reads slowly."""
        threading.Thread(target=self._give, args=(order,), name="build-order", daemon=True).start()

    def result(self, emit: Callable[[bytes], None], check: Callable[[], None]) -> Iterator[bytes]:
        """The bytes of the result as they come."""
        for stream, piece in self._received(check):
            if stream == RESULT:
                yield piece
            else:
                self._show(piece, emit)

    def finish_screen(self, emit: Callable[[bytes], None], check: Callable[[], None]) -> None:
        """Wait for the end of the screen: the streams overtake each other."""
        if self._screen_is_complete:
            return
        for stream, piece in self._received(check):
            if stream == SCREEN:
                self._show(piece, emit)
                if self._screen_is_complete:
                    return

    def close(self) -> None:
        """Let go of the container, whose runner ends then."""
        self._attachment.close()
        while not self._has_ended:  # so that the reading thread comes to its end
            self._take(None)

    def _received(self, check: Callable[[], None]) -> Iterator[tuple[int, bytes]]:
        ask_at = time.monotonic() + ASK_SECONDS
        while not self._has_ended:
            with suppress(queue.Empty):
                stream, piece = self._take(max(0.0, ask_at - time.monotonic()))
                if piece:
                    yield stream, piece
            if time.monotonic() >= ask_at:
                ask_at = time.monotonic() + ASK_SECONDS
                check()

    def _take(self, seconds: float | None) -> tuple[int, bytes]:
        taken = self._pieces.get(timeout=seconds)
        self._has_ended = not taken[1]
        return taken

    def _show(self, piece: bytes, emit: Callable[[bytes], None]) -> None:
        self._screen_is_complete = piece.endswith(END_OF_SCREEN)
        if shown := piece.removesuffix(END_OF_SCREEN):
            emit(shown)

    def _pump(self) -> None:
        while True:
            piece = self._attachment.receive_of_stream()
            self._pieces.put(piece)
            if not piece[1]:
                return

    def _give(self, order: Iterable[tuple[str, bytes | Path]]) -> None:
        try:
            for chunk in packed(order):
                self._attachment.send(chunk)
        except OSError as error:  # let go of meanwhile, or the source cannot be read
            log.warning("build.order_cut_off", reason=str(error))
            self._attachment.close()  # half an order is none
