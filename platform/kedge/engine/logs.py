"""The log store on disk: one log an app, written by any process, read from its end.

Lines are kept in the order they came and shown in the order of their time: `follow` holds a line
back for a moment, so that one written by another process a little later still finds its place.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from kedge.engine.log_records import decode, decode_all, encode, matches, moment, safe_text
from kedge.engine.log_segments import LogFiles, Loss, Snapshot
from kedge.engine.protocols import LogFilter, LogLine
from kedge.errors import BadRequest

__all__ = ["FileLogStore", "format_line", "safe_text"]

log = structlog.get_logger()

MOST_TAIL_LINES = 1500
# How late a line may come and still be put where its time says.
REORDER_NS = 300_000_000
# The same between the lines of one process, of which two dynos may write at a time.
LATE_NS = 60_000_000_000
# Lines a tail looks at beyond those asked for, since late ones lie after their place.
TAIL_MARGIN_LINES = 500
# One `follow` reads this much at a time, and never holds back more.
FOLLOW_BYTES = 1024 * 1024
# Words are searched for in this much of a log at the most: some thousands of requests.
SEARCHED_BYTES = 1024 * 1024
EVERYTHING = LogFilter()
_CURSOR = re.compile(r"([0-9a-f]{1,16})(?:-([0-9a-f]{1,16})-([0-9a-f]{1,16}))?")


def format_line(line: LogLine) -> str:
    """A line in Heroku's form: `2010-09-16T15:13:46.677020+00:00 app[web.1]: message`."""
    return f"{moment(line.at_ns)} {line.source}[{line.process}]: {line.text}"


class FileLogStore:
    """A `LogStore` in one folder; several processes may use it at the same time."""

    def __init__(
        self, folder: Path, limit_bytes: int, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._now_ns = now_ns
        self._unnoted: dict[UUID, Loss] = {}
        self._unnoted_lock = threading.Lock()

    def append(self, app_id: UUID, lines: Sequence[LogLine]) -> None:
        """Keep lines, all or none. On a full disk they are counted, and the count is logged later.

        A line longer than 16 K characters is kept as several. Never raises for a full disk.
        """
        if not lines:
            return
        files = self._files(app_id)
        try:
            self._settle(app_id, files)
            files.append(encode(lines), self._notice)
        except OSError as error:
            self._lose(app_id, files, Loss(len(lines), self._now_ns()))
            with suppress(OSError):  # our own log may lie on the same full disk
                log.warning("log.lost", app=str(app_id), lines=len(lines), error=str(error))

    def tail(self, app_id: UUID, lines: int, only: LogFilter) -> tuple[list[LogLine], str]:
        """The newest matching lines (at most 1,500), oldest first, and a cursor to follow from."""
        wanted = min(lines, MOST_TAIL_LINES)
        found: list[LogLine] = []
        with self._files(app_id).snapshot() as snapshot:
            cursor = Cursor.at(snapshot.end)
            if wanted > 0:
                found = _newest(snapshot, wanted + TAIL_MARGIN_LINES, only)
        found.sort(key=_time)
        return found[max(0, len(found) - wanted) :], str(cursor)

    def follow(self, app_id: UUID, cursor: str, only: LogFilter) -> tuple[list[LogLine], str]:
        """Matching lines after the cursor, in the order of their time, and the next cursor.

        Never waits for lines; a line younger than 0.3 s may be held back for a later call. A
        cursor whose lines were dropped goes on with the oldest kept, behind a line that says how
        many bytes were lost.

        Raises:
            BadRequest: the cursor was not made by this store.
        """
        seen = Cursor.parse(cursor)
        files = self._files(app_id)
        with files.snapshot(seen.done) as snapshot:
            if seen.seen <= snapshot.end:
                return self._since(snapshot, seen, only)
        # The log was made anew after the cursor.
        with files.snapshot() as snapshot:
            return self._since(snapshot, Cursor.at(snapshot.begin), only)

    def last_at_ns(self, app_id: UUID, process: str) -> tuple[int, tuple[str, ...]]:
        """When the newest line a process itself wrote was written, and the texts of that moment.

        Lines about it (`heroku[web.1]`) do not count. Texts are `safe_text`s; (0, ()) for none.
        """
        with self._files(app_id).snapshot() as snapshot:
            for block in snapshot.blocks_backwards():
                if lines := _own(block, process):
                    newest = max(line.at_ns for line in lines)
                    return newest, tuple(line.text for line in lines if line.at_ns == newest)
        return 0, ()

    def since(self, app_id: UUID, process: str, at_ns: int) -> list[LogLine]:
        """The lines a process itself wrote from a moment on, in the order they were kept."""
        blocks: list[list[LogLine]] = []
        with self._files(app_id).snapshot() as snapshot:
            for block in snapshot.blocks_backwards():
                lines = _own(block, process)
                blocks.append([line for line in lines if line.at_ns >= at_ns])
                if lines and max(map(_time, lines)) < at_ns - LATE_NS:
                    break
        return [line for block in reversed(blocks) for line in block]

    def holding(self, app_id: UUID, words: str, only: LogFilter, since_ns: int) -> list[LogLine]:
        """Matching lines with these words since a moment, among the newest megabyte of the log."""
        mark, found, searched_bytes = words.encode(), list[LogLine](), 0
        with self._files(app_id).snapshot() as snapshot:
            for block in snapshot.blocks_backwards():
                found += [line for line in _marked(block, mark) if matches(line, only)]
                searched_bytes += len(block)
                first = decode(block.partition(b"\n")[0])
                if searched_bytes >= SEARCHED_BYTES or (first and first.at_ns < since_ns):
                    break
        return sorted((line for line in found if line.at_ns >= since_ns), key=_time)

    def forget(self, app_id: UUID) -> None:
        """Drop an app's log."""
        self._files(app_id).forget()
        with self._unnoted_lock:
            self._unnoted.pop(app_id, None)

    def _files(self, app_id: UUID) -> LogFiles:
        return LogFiles(self._folder / str(app_id), self._limit_bytes)

    def _since(
        self, snapshot: Snapshot, seen: Cursor, only: LogFilter
    ) -> tuple[list[LogLine], str]:
        lines: list[LogLine] = []
        dropped = snapshot.begin - seen.done
        if dropped > 0:
            seen = Cursor.at(snapshot.begin)
        while not lines:
            more, seen = _step(snapshot, seen, self._now_ns() - REORDER_NS)
            lines = [line for line in more if matches(line, only)]
            if seen.seen == snapshot.end:
                break
        if dropped > 0:
            at_ns = lines[0].at_ns if lines else self._now_ns()
            lines.insert(0, _overflow(at_ns, f"{dropped} bytes of this log dropped before here."))
        return lines, str(seen)

    def _notice(self, loss: Loss) -> bytes:
        since = moment(loss.since_ns)
        words = f"{loss.lines} messages dropped since {since}."
        return encode([_overflow(self._now_ns(), words)])

    def _settle(self, app_id: UUID, files: LogFiles) -> None:
        """Write down a loss that could only be remembered so far."""
        if app_id in self._unnoted:
            with self._unnoted_lock:
                loss = self._unnoted.get(app_id)
                if loss:
                    files.note_loss(loss)
                    del self._unnoted[app_id]

    def _lose(self, app_id: UUID, files: LogFiles, loss: Loss) -> None:
        try:
            files.note_loss(loss)
        except OSError:  # no room even for the count: keep it in mind
            with self._unnoted_lock:
                before = self._unnoted.get(app_id, Loss(0, loss.since_ns))
                self._unnoted[app_id] = Loss(before.lines + loss.lines, before.since_ns)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader is: all lines before `done` are read, none from `seen` on.

    Between the two, those with a time up to `until_ns` are read: the others were held back.
    """

    done: int
    seen: int
    until_ns: int

    @classmethod
    def at(cls, position: int) -> Cursor:
        """Everything before a position is read, nothing after it."""
        return cls(position, position, 0)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read back what `str` made. Raises BadRequest."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise BadRequest("This is not a position in a log. Open the log anew.")
        done, seen, until_ns = (int(part or "0", 16) for part in match.groups())
        return cls(done, max(done, seen), until_ns)

    def __str__(self) -> str:
        if self.done == self.seen:
            return f"{self.done:x}"
        return f"{self.done:x}-{self.seen:x}-{self.until_ns:x}"


def _time(line: LogLine) -> int:
    return line.at_ns


def _overflow(at_ns: int, words: str) -> LogLine:
    return LogLine(at_ns, "heroku", "logplex", f"Error L10 (output buffer overflow): {words}")


def _own(block: bytes, process: str) -> list[LogLine]:
    """The lines of a block that a process itself wrote."""
    lines = _marked(block, f" app {process} ".encode())
    return [line for line in lines if line.source == "app" and line.process == process]


def _marked(block: bytes, mark: bytes) -> Iterator[LogLine]:
    """The lines of a block whose record holds these bytes."""
    if mark in block:
        for record in block.split(b"\n"):
            line = decode(record) if mark in record else None
            if line is not None:
                yield line


def _newest(snapshot: Snapshot, most: int, only: LogFilter) -> list[LogLine]:
    """At most so many matching lines that were written last, in the order they were written."""
    blocks: list[list[LogLine]] = []
    count = 0
    for block in snapshot.blocks_backwards():
        lines = [line for line in decode_all(block) if matches(line, only)]
        blocks.append(lines[max(0, len(lines) - (most - count)) :])
        count += len(blocks[-1])
        if count >= most:
            break
    return [line for lines in reversed(blocks) for line in lines]


def _step(snapshot: Snapshot, seen: Cursor, until_ns: int) -> tuple[list[LogLine], Cursor]:
    """One bounded read after a cursor: lines that are not held back, in order; the next cursor."""
    end = _end_of_step(snapshot, seen)
    placed = list(_placed(snapshot.read(seen.done, end), seen.done))
    until_ns = max(until_ns, seen.until_ns)
    too_far_ahead = until_ns + 2 * REORDER_NS
    if end - seen.done > FOLLOW_BYTES or any(line.at_ns > too_far_ahead for _, line in placed):
        # Much to catch up with, or somebody's clock is ahead: nothing is worth waiting for.
        until_ns = sys.maxsize
    due = [
        line
        for position, line in placed
        if line.at_ns <= until_ns and not (position < seen.seen and line.at_ns <= seen.until_ns)
    ]
    due.sort(key=_time)
    done = next((position for position, line in placed if line.at_ns > until_ns), end)
    return due, Cursor(done, end, until_ns)


def _end_of_step(snapshot: Snapshot, seen: Cursor) -> int:
    """Where to read up to: the end, or the end of a record about `FOLLOW_BYTES` further."""
    end = seen.seen + FOLLOW_BYTES
    if end >= snapshot.end:
        return snapshot.end
    cut = snapshot.read(seen.seen, end).rfind(b"\n") + 1
    # Damage longer than any record is passed over, or it would be met for ever.
    return seen.seen + cut if cut else end


def _placed(block: bytes, position: int) -> Iterator[tuple[int, LogLine]]:
    """The lines of a block, each with the position of its record."""
    for record in block.split(b"\n"):
        line = decode(record)
        if line is not None:
            yield position, line
        position += len(record) + 1
