"""One attached dyno: its bytes to the client, the client's bytes to it, until one of them ends.

Three threads, since each of three things may stand still while the others must go on: the dyno
writes, the client sends, the dyno reads.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

import structlog

from kedge.engine.protocols import Attachment
from kedge.engine.rendezvous_wire import LOOK_SECONDS, RECORD_BYTES, Wire
from kedge.errors import KedgeError

log = structlog.get_logger()

GREETING = b"rendezvous\r\n"
# The official CLI throws away the first chunk it gets; output must not fall into that.
GREETING_SECONDS = 0.1
# What the CLI sends at the end of its standard input. A terminal makes an end of it; a pipe does
# not, so there it is taken for one when nothing follows it.
END_OF_INPUT = b"\x04"
END_OF_INPUT_SECONDS = 0.25
# The line `heroku run -x` reads the exit status from; the CLI looks for it in one chunk.
EXIT_MARK = "\uffff heroku-command-exit-status:".encode()
MOST_EXIT_LINE_BYTES = 256
# Input kept for a dyno that reads none, in TLS records: 1 MB. A client that goes behind more than
# that is noticed only when its own system gives up, since its goodbye waits in line after the rest.
QUEUED_PIECES = 64


class Session(Protocol):
    """A one-off dyno that waits to be attached; given out once for its secret."""

    tty: bool
    size: tuple[int, int] | None

    @property
    def attachment(self) -> Attachment:
        """The dyno's streams, taken before it starts. Both sides may be in use by two threads."""

    def start(self) -> None:
        """Start the dyno; returns when it runs. Raises KedgeError."""

    def hang_up(self) -> None:
        """The client went away while the dyno ran: it gets SIGHUP, and later worse."""

    def finished(self) -> None:
        """The streams are let go; called once, in every case."""


class Conversation:
    """Carries one session over one wire."""

    def __init__(self, wire: Wire, session: Session, idle_seconds: float) -> None:
        self._wire = wire
        self._session = session
        self._idle_seconds = idle_seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._input: queue.Queue[bytes | None] = queue.Queue(QUEUED_PIECES)

    def run(self) -> None:
        """Start the dyno and carry bytes until it ends or the client goes; then let go of both."""
        threads: list[threading.Thread] = []
        try:
            attachment = self._session.attachment
            self._begin(attachment)
            threads = [
                threading.Thread(target=self._read_client, daemon=True),
                threading.Thread(target=self._feed_dyno, args=(attachment,), daemon=True),
            ]
            for thread in threads:
                thread.start()
            self._carry_output(attachment)
        except KedgeError as error:
            self._say(error.message)
        except OSError as error:
            log.info("rendezvous.broken", reason=str(error))
            self._leave()
        finally:
            with self._lock:
                self._over.set()
            self._wire.end()
            let_go(self._session)
            for thread in threads:
                thread.join(LOOK_SECONDS * 4)
            self._session.finished()

    def _begin(self, attachment: Attachment) -> None:
        try:
            self._session.start()
        finally:  # words about what went wrong need the greeting too
            self._wire.send(GREETING)
            time.sleep(GREETING_SECONDS)
        if self._session.tty and self._session.size:
            attachment.resize(*self._session.size)

    def _carry_output(self, attachment: Attachment) -> None:
        whole = ExitLines()
        while payload := self._received(attachment):
            for piece in whole.feed(payload):
                self._wire.send(piece)
        if not self._over.is_set():
            for piece in whole.flush():
                self._wire.send(piece)

    def _received(self, attachment: Attachment) -> bytes:
        try:
            return attachment.receive()
        except OSError:
            if self._over.is_set():  # we closed it ourselves
                return b""
            raise

    def _read_client(self) -> None:
        """Read what the client sends, and notice when it goes or falls silent for too long."""
        held = b""
        try:
            while not self._over.is_set():
                piece = self._wire.receive(END_OF_INPUT_SECONDS if held else LOOK_SECONDS)
                if piece == b"":
                    break
                if piece is not None:
                    held = self._take(held + piece)
                elif held:
                    self._put(None)
                    held = b""
                elif time.monotonic() - self._wire.active_at > self._idle_seconds:
                    self._say("Nothing was sent or received for too long: closing.")
                    break
        except OSError:  # gone with an error instead of a goodbye
            pass
        self._leave()

    def _take(self, payload: bytes) -> bytes:
        """Pass bytes on to the dyno; returns what may be the end of its input."""
        held = b""
        if not self._session.tty and payload.endswith(END_OF_INPUT):
            payload, held = payload[:-1], END_OF_INPUT
        if payload:
            self._put(payload)
        return held

    def _put(self, payload: bytes | None) -> None:
        """Queue bytes for the dyno; while it reads none, see whether the client is still there."""
        while not self._over.is_set():
            try:
                self._input.put(payload, timeout=LOOK_SECONDS)
            except queue.Full:
                if self._wire.has_left():
                    raise ConnectionResetError("the client has gone") from None
            else:
                return

    def _feed_dyno(self, attachment: Attachment) -> None:
        """Write to the dyno what the client sent; once it reads no more, throw it away."""
        reads = True
        while not self._over.is_set():
            try:
                payload = self._input.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            try:
                if reads and payload is None:
                    attachment.close_stdin()
                    reads = False
                elif reads and payload:
                    attachment.send(payload)
            except (OSError, KedgeError):
                reads = False

    def _leave(self) -> None:
        """The client has gone: tell the dyno, unless that has ended first."""
        with self._lock:
            if self._over.is_set():
                return
            self._over.set()
        hang_up(self._session)
        let_go(self._session)
        self._wire.break_off()

    def _say(self, words: str) -> None:
        with suppress(OSError):  # nobody there to read it
            self._wire.send(f"\r\n !    {words}\r\n".encode())


def turn_away(wire: Wire, session: Session, words: str) -> None:
    """Say why a session is not carried, and let go of its dyno, which never ran."""
    with suppress(OSError):  # gone already
        wire.send(GREETING)
        time.sleep(GREETING_SECONDS)
        wire.send(f" !    {words}\r\n".encode())
    wire.end()
    hang_up(session)
    let_go(session)
    session.finished()


def hang_up(session: Session) -> None:
    """Tell a session that its client has gone; an engine that is down gets to know by itself."""
    try:
        session.hang_up()
    except KedgeError as error:
        log.warning("rendezvous.hang_up_failed", reason=error.message)


def let_go(session: Session) -> None:
    """Close the streams of a session's dyno; twice is fine."""
    try:
        session.attachment.close()
    except (OSError, KedgeError) as error:
        log.info("rendezvous.close_failed", reason=str(error))


class ExitLines:
    """Cuts output so that the line with the exit status is never split over two pieces."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, payload: bytes) -> Iterator[bytes]:
        """The pieces to send now, each as one TLS record or several."""
        text = self._held + payload
        self._held = b""
        mark = text.find(EXIT_MARK)
        while mark >= 0:
            end = text.find(b"\n", mark) + 1
            if mark:
                yield text[:mark]
            if not end and len(text) - mark < MOST_EXIT_LINE_BYTES:
                self._held = text[mark:]
                return
            end = end or len(text)
            yield from _records(text[mark:end])
            text = text[end:]
            mark = text.find(EXIT_MARK)
        kept = _beginning_of_mark(text)
        self._held = text[len(text) - kept :]
        if kept < len(text):
            yield text[: len(text) - kept]

    def flush(self) -> Iterator[bytes]:
        """What was held back, at the end of the output."""
        if self._held:
            yield self._held


def _records(line: bytes) -> Iterator[bytes]:
    for at in range(0, len(line), RECORD_BYTES):
        yield line[at : at + RECORD_BYTES]


def _beginning_of_mark(text: bytes) -> int:
    """How many bytes at the end may be the beginning of the mark."""
    for size in range(min(len(EXIT_MARK) - 1, len(text)), 0, -1):
        if text.endswith(EXIT_MARK[:size]):
            return size
    return 0
