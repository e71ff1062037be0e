"""Access lines held in memory until readers have taken them, and an exact count of those lost."""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from .access import Access

OVERHEAD_BYTES = 90
"""What a held line costs beside its text."""
ANSWER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """One line, by its number, as it is sent."""

    seq: int
    json: bytes

    @property
    def size(self) -> int:
        """Bytes of memory it takes."""
        return len(self.json) + OVERHEAD_BYTES


class Backlog:
    """Lines in the order they ended. Every line has a number, the lost ones too.

    So what a reader has missed is the gap in the numbers, wherever the line was lost: in HAProxy
    because the pipe was full, torn, or here because the reader came late.
    """

    def __init__(self, limit_bytes: int, first_seq: int | None = None) -> None:
        # From the clock, so that the numbers go on rising when the agent is started again.
        self.first = time.time_ns() // 1000 if first_seq is None else first_seq
        self.last = self.first
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self.held: deque[Held] = deque()
        self.changed = threading.Condition()

    def add(self, requests: list[Access]) -> None:
        """Hold `requests`, dropping the oldest lines beyond the limit."""
        with self.changed:
            for request in requests:
                self.last += 1
                body: dict[str, Any] = {"seq": self.last, **request.body()}
                line = Held(self.last, json.dumps(body, separators=(",", ":")).encode())
                self.held.append(line)
                self.size_bytes += line.size
            while self.size_bytes > self.limit_bytes:
                self.size_bytes -= self.held.popleft().size
            self.changed.notify_all()

    def lose(self, count: int) -> None:
        """Count lines that were lost before they came here."""
        with self.changed:
            self.last += count
            self.changed.notify_all()

    def read(self, after: int, wait_seconds: float) -> bytes:
        """Lines numbered above `after` as JSON, `next` to go on from, how many were `lost`.

        Waits up to `wait_seconds` for the first. An `after` of an earlier agent counts from the
        start of this one; what ended in between is in the pipe, and comes.
        """
        with self.changed:
            if not self.first <= after <= self.last:
                after = self.first
            self.changed.wait_for(lambda: self.last > after, wait_seconds)
            lines = self._after(after)
            complete = not lines or lines[-1].seq == self.held[-1].seq
            end = self.last if complete else lines[-1].seq
        lost = end - after - len(lines)
        return b'{"lines":[%b],"next":%d,"lost":%d}' % (
            b",".join(line.json for line in lines),
            end,
            lost,
        )

    def _after(self, after: int) -> list[Held]:
        """The oldest lines above `after`, as many as one answer holds."""
        lines, size = [], 0
        for line in self.held:
            if line.seq > after:
                lines.append(line)
                size += len(line.json)
                if size > ANSWER_BYTES:
                    break
        return lines
