"""The files of one app's log: segments, each named by the position of its first byte.

Positions count every byte the log ever had and only grow, so they stay true when old segments go.
A lock file keeps writers of several processes apart; readers share it for the moment in which they
open the segments. Written bytes outlive the process at once (kill -9), but are not synced.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SEGMENTS = 8
SUFFIX = ".log"
# Holds any record (16 K characters of up to four bytes, and its fields).
BLOCK_BYTES = 256 * 1024
LOCK_NAME = "lock"


class Loss(NamedTuple):
    """Lines that could not be written: how many, and since when (ns since 1970)."""

    lines: int
    since_ns: int


NO_LOSS = Loss(0, 0)
_LOSS_FORM = "{:020d} {:020d}\n"


@dataclass(frozen=True, slots=True)
class Segment:
    """One file as it was when looked at."""

    start: int
    size_bytes: int
    path: Path

    @property
    def end(self) -> int:
        """Position after its last byte."""
        return self.start + self.size_bytes


class Snapshot:
    """The log as it was at one moment: readable from `begin` to `end`, even when files go."""

    def __init__(self, segments: list[tuple[Segment, int]]) -> None:
        self._segments = segments
        self.begin = segments[0][0].start if segments else 0
        self.end = self._whole_end()

    def _whole_end(self) -> int:
        """Where the last whole record ends; what follows was torn by a kill."""
        if not self._segments:
            return 0
        segment, file = self._segments[-1]
        return segment.start + whole_bytes(file, segment.size_bytes)

    def read(self, lower: int, upper: int) -> bytes:
        """The bytes from one position to another."""
        parts = []
        for segment, file in self._segments:
            first, last = max(lower, segment.start), min(upper, segment.end)
            if first < last:
                parts.append(os.pread(file, last - first, first - segment.start))
        return b"".join(parts)

    def blocks_backwards(self) -> Iterator[bytes]:
        """Blocks of whole records, the newest block first."""
        upper = self.end
        while upper > self.begin:
            lower = max(self.begin, upper - BLOCK_BYTES)
            block = self.read(lower, upper)
            cut = block.find(b"\n") + 1 if lower > self.begin else 0
            if cut < len(block):
                yield block[cut:]
                upper = lower + cut
            else:  # no record is that long: damage, passed over
                upper = lower


class LogFiles:
    """One app's log in one folder, at most `limit_bytes` long but for one segment's length."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._segment_bytes = max(limit_bytes // SEGMENTS, 1)

    def append(self, payload: bytes, notice: Callable[[Loss], bytes]) -> None:
        """Write records, all or none; `notice` makes the record of an earlier loss, put first.

        Raises:
            OSError: the disk is full or cannot be written; nothing was kept.
        """
        with self._locked(fcntl.LOCK_EX, create=True) as lock:
            loss = _read_loss(lock)
            if loss.lines:
                payload = notice(loss) + payload
            self._write(payload)
            if loss.lines:
                _write_loss(lock, NO_LOSS)

    def note_loss(self, loss: Loss) -> None:
        """Remember lines that were lost. Overwrites in place, which a full disk still allows.

        Raises:
            OSError: not even that was possible.
        """
        with self._locked(fcntl.LOCK_EX, create=True) as lock:
            before = _read_loss(lock)
            since_ns = before.since_ns if before.lines else loss.since_ns
            _write_loss(lock, Loss(before.lines + loss.lines, since_ns))

    @contextmanager
    def snapshot(self, since: int = 0) -> Iterator[Snapshot]:
        """The log from the segment that holds position `since` on, for reading."""
        with ExitStack() as opened:
            try:
                with self._locked(fcntl.LOCK_SH, create=False):
                    found = self._segments()
                    wanted = [s for s in found if s.end > since] or found[-1:]
                    segments = [(s, _opened(opened, s.path, os.O_RDONLY)) for s in wanted]
            except FileNotFoundError:  # no log yet, or forgotten
                segments = []
            yield Snapshot(segments)

    def forget(self) -> None:
        """Remove all of it."""
        with suppress(FileNotFoundError), self._locked(fcntl.LOCK_EX, create=False):
            for segment in self._segments():
                segment.path.unlink(missing_ok=True)
            (self._folder / LOCK_NAME).unlink(missing_ok=True)
            with suppress(OSError):  # something else lies there: not ours to remove
                self._folder.rmdir()

    def _segments(self) -> list[Segment]:
        """The segments there are, oldest first."""
        found = []
        with suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                start = entry.name.removesuffix(SUFFIX)
                if start.isdigit() and start != entry.name:
                    found.append(Segment(int(start), entry.stat().st_size, Path(entry.path)))
        return sorted(found, key=lambda segment: segment.start)

    def _write(self, payload: bytes) -> None:
        segments = self._make_room(len(payload))
        last = segments[-1] if segments else Segment(0, 0, self._path(0))
        made: list[Path] = []
        with ExitStack() as opened:
            file = _opened(opened, last.path, os.O_RDWR | os.O_CREAT)
            size = whole_bytes(file, last.size_bytes)
            if size < last.size_bytes:
                os.ftruncate(file, size)
            try:
                start, filled, into = last.start, size, file
                for block in _blocks(payload, self._segment_bytes):
                    if filled and filled + len(block) > self._segment_bytes:
                        start, filled = start + filled, 0
                        made.append(self._path(start))
                        into = _opened(opened, made[-1], os.O_RDWR | os.O_CREAT)
                    _write_all(into, block, filled)
                    filled += len(block)
            except OSError:
                os.ftruncate(file, size)
                for path in made:
                    path.unlink(missing_ok=True)
                raise

    def _make_room(self, more_bytes: int) -> list[Segment]:
        """Drop the oldest segments the limit has no room for; the newest one always stays."""
        segments = self._segments()
        total = sum(segment.size_bytes for segment in segments) + more_bytes
        while len(segments) > 1 and total > self._limit_bytes:
            oldest = segments.pop(0)
            oldest.path.unlink(missing_ok=True)
            total -= oldest.size_bytes
        return segments

    def _path(self, start: int) -> Path:
        return self._folder / f"{start:020d}{SUFFIX}"

    @contextmanager
    def _locked(self, how: int, *, create: bool) -> Iterator[int]:
        """Hold the lock; its descriptor. FileNotFoundError when there is no log and no `create`."""
        path = self._folder / LOCK_NAME
        while True:
            with ExitStack() as opened:
                if create:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    lock = _opened(opened, path, os.O_RDWR | (os.O_CREAT if create else 0))
                except FileNotFoundError:
                    if create:  # forgotten between the two steps
                        continue
                    raise
                fcntl.flock(lock, how)
                if _is_at(lock, path):
                    yield lock
                    return
                # Forgotten while we waited: the lock we hold is nobody's any more.


def whole_bytes(file: int, size_bytes: int) -> int:
    """How much of a file is whole records: up to and with its last line end."""
    if not size_bytes or os.pread(file, 1, size_bytes - 1) == b"\n":
        return size_bytes
    upper = size_bytes
    while upper:
        lower = max(0, upper - BLOCK_BYTES)
        found = os.pread(file, upper - lower, lower).rfind(b"\n")
        if found >= 0:
            return lower + found + 1
        upper = lower
    return 0


def _blocks(payload: bytes, most_bytes: int) -> Iterator[bytes]:
    """Cut records into blocks a segment holds; a record longer than that is a block of its own."""
    at = 0
    while len(payload) - at > most_bytes:
        end = payload.rfind(b"\n", at, at + most_bytes) + 1
        end = end or payload.find(b"\n", at) + 1
        yield payload[at:end]
        at = end
    yield payload[at:]


def _write_all(file: int, block: bytes, at: int) -> None:
    written = 0
    while written < len(block):
        written += os.pwrite(file, block[written:] if written else block, at + written)


def _opened(stack: ExitStack, path: Path, flags: int) -> int:
    file = os.open(path, flags | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, file)
    return file


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _read_loss(lock: int) -> Loss:
    fields = os.pread(lock, 64, 0).split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        # A new lock file takes its blocks now, while there is room.
        with suppress(OSError):
            _write_loss(lock, NO_LOSS)
        return NO_LOSS
    return Loss(int(fields[0]), int(fields[1]))


def _write_loss(lock: int, loss: Loss) -> None:
    _write_all(lock, _LOSS_FORM.format(*loss).encode(), 0)
