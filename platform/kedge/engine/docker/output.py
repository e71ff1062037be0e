"""What a dyno wrote, read from the engine's log: resumable, without repeats and without holes.

Four quirks of the engine are made good here: following across a log file's rotation repeats a
few hundred lines, a reader that meets the rotation itself gets the engine's own error in the
stream, a followed stream may end before the last lines of a container that exited, and lines over
16 KB come in pieces.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker.errors
from urllib3 import HTTPResponse

from kedge.engine.docker import times
from kedge.engine.docker.client import CALL_SECONDS, Engine, status_of, translated
from kedge.engine.protocols import OutputLine

LINE_LIMIT_BYTES = 16 * 1024
READ_BYTES = 64 * 1024
FRAME_HEADER_BYTES = 8
# After a rotation the engine may hand out the newest file, then what it left out, then that file
# again: thousands of lines out of order, each at least once. So what was read lately is remembered.
REMEMBERED_LINES = 65_536
REMEMBERED_SECONDS = 60.0
AGAIN_SECONDS = 0.02
LAST_READS = 5
GONE = frozenset({404, 409})


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a stream (1 stdout, 2 stderr), or the `part`-th piece of a long one."""

    stream: int
    at_ns: int
    part: int
    text: bytes


def lines(
    engine: Engine, runtime_id: str, *, since_ns: int, follow: bool, runs: Callable[[], bool]
) -> Iterator[OutputLine]:
    """The lines a container wrote from `since_ns` on; with `follow` until it ends.

    Args:
        engine: where.
        runtime_id: which container.
        since_ns: the first moment wanted, inclusive.
        follow: wait for more while the container runs.
        runs: whether the container runs now.

    Raises:
        RuntimeDown: the engine went away.
    """
    seen = _Seen(since_ns)
    try:
        while follow and runs():
            yield from seen.new(_read(engine, runtime_id, seen.cursor_ns, follow=True))
            time.sleep(AGAIN_SECONDS)  # the state changes a moment after the stream ends
        for _ in range(LAST_READS):
            yield from seen.new(_read(engine, runtime_id, seen.cursor_ns, follow=False))
            if not seen.cut_short:
                return
            time.sleep(AGAIN_SECONDS)
    except _NothingKept:
        return


class _NothingKept(Exception):
    """There is no log to read."""


class _Seen:
    """Drops what was read before, and knows from where to go on."""

    def __init__(self, since_ns: int) -> None:
        self.cursor_ns = since_ns
        # The hash of a line (they are many) and when it was read.
        self._recent: OrderedDict[int, float] = OrderedDict()
        self.cut_short = False

    def new(self, pieces: Iterator[Piece | None]) -> Iterator[OutputLine]:
        """What is new among `pieces`; a None, the engine's word that it gave up, ends them."""
        self.cut_short = False
        for piece in pieces:
            if piece is None:
                self.cut_short = True
                return
            key = hash(piece)
            if key in self._recent:
                continue
            self._remember(key)
            self.cursor_ns = max(self.cursor_ns, piece.at_ns)
            yield from _split(piece)

    def _remember(self, key: int) -> None:
        now = time.monotonic()
        self._recent[key] = now
        while len(self._recent) > REMEMBERED_LINES or self._oldest() < now - REMEMBERED_SECONDS:
            self._recent.popitem(last=False)

    def _oldest(self) -> float:
        return next(iter(self._recent.values()))


def _split(piece: Piece) -> Iterator[OutputLine]:
    text = piece.text.removesuffix(b"\n").removesuffix(b"\r")
    if piece.part and not text:
        return  # the line end after a last piece of just the engine's limit
    for start in range(0, max(len(text), 1), LINE_LIMIT_BYTES):
        part = text[start : start + LINE_LIMIT_BYTES]
        yield OutputLine(piece.at_ns, part.decode(errors="replace"))


def _read(
    engine: Engine, runtime_id: str, since_ns: int, *, follow: bool
) -> Iterator[Piece | None]:
    with translated("read a dyno's output"):
        try:
            tty, answer = _open(engine, runtime_id, since_ns, follow=follow)
        except docker.errors.APIError as error:
            if status_of(error) in GONE or "does not support reading" in str(error):
                raise _NothingKept from error
            raise
        with answer:
            parts = tty_lines(_chunks(answer.raw)) if tty else frames(_chunks(answer.raw))
            yield from _pieces(parts)


def _pieces(parts: Iterator[tuple[int, bytes]]) -> Iterator[Piece | None]:
    """Pieces of one line carry one time stamp: counted, so that equal ones are not repeats.

    All that a dyno writes is stamped. What is not is the engine's own ("Error grabbing logs: …",
    when a file was rotated away under its reader) and comes last: None stands for it.
    """
    unfinished: dict[int, tuple[int, int]] = {}  # stream → time stamp, parts so far
    for stream, payload in parts:
        stamp, _, text = payload.partition(b" ")
        try:
            at_ns = times.nanoseconds(stamp.decode(errors="replace"))
        except ValueError:
            yield None
            return
        began_ns, count = unfinished.pop(stream, (at_ns, 0))
        part = count if began_ns == at_ns else 0
        if not text.endswith(b"\n"):
            unfinished[stream] = (at_ns, part + 1)
        yield Piece(stream, at_ns, part, text)


def _open(engine: Engine, runtime_id: str, since_ns: int, *, follow: bool) -> tuple[bool, Any]:
    tty: bool = engine.api.inspect_container(runtime_id)["Config"]["Tty"]
    wanted: dict[str, str | int] = {
        "stdout": 1,
        "stderr": 1,
        "timestamps": 1,
        "follow": int(follow),
        "since": times.since(since_ns),
        "tail": "all",
    }
    answer = engine.api.get(
        engine.stream_url(f"/containers/{runtime_id}/logs"),
        params=wanted,
        stream=True,
        # A quiet dyno may say nothing for days; the engine's end closes the connection.
        timeout=(CALL_SECONDS, None if follow else CALL_SECONDS),
    )
    if answer.status_code != 200:
        with answer:
            raise docker.errors.APIError(
                "reading output", response=answer, explanation=answer.json().get("message")
            )
    return tty, answer


def _chunks(raw: HTTPResponse) -> Iterator[bytes]:
    while chunk := raw.read1(READ_BYTES):
        yield chunk


def frames(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Docker's multiplexed stream taken apart: (1 stdout or 2 stderr, payload)."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        start = 0
        while len(rest) - start >= FRAME_HEADER_BYTES:
            size = int.from_bytes(rest[start + 4 : start + 8], "big")
            end = start + FRAME_HEADER_BYTES + size
            if len(rest) < end:
                break
            yield rest[start], rest[start + FRAME_HEADER_BYTES : end]
            start = end
        rest = rest[start:]


def tty_lines(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """A terminal's stream has no frames: its lines, as if from stdout."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield 1, line + b"\n"
    if rest:
        yield 1, rest
