"""The output of a build or a release command as it grows, turned into HTML once for all readers."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from typing import Any

from kedge.dashboard.live.hub import Watch
from kedge.dashboard.terminal import Terminal
from kedge.ops import outputs
from kedge.ops.services import Services

REST_SECONDS = 0.1
KEPT_LINES = 5000
SHOWN_LINES = 1000


class OutputWatch(Watch):
    """An output. A reader's mark is how many finished lines they have."""

    def __init__(self, services: Services, output_id: uuid.UUID) -> None:
        super().__init__(("output", output_id), REST_SECONDS)
        self._services, self._output_id = services, output_id
        self._topic = outputs.topic(output_id)
        self._screen = Screenful()

    def hears(self, topic: str) -> bool:
        """When it grew."""
        return topic == self._topic

    def make(self) -> bool:
        """Read what came since the last time."""
        return self._screen.advance(self._services, self._output_id)

    def since(self, mark: str, token: str) -> tuple[Any, str]:
        """The lines after those the reader has, and the one that is still written."""
        del token
        return self._screen.since(mark)


class Screenful:
    """The last lines of an output, as HTML."""

    def __init__(self) -> None:
        self._terminal = Terminal()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._chunks = self.count = 0
        self._lock = threading.Lock()
        self.is_complete = False

    def advance(self, services: Services, output_id: uuid.UUID) -> bool:
        """Read on; whether anything came."""
        if self.is_complete:
            return False
        chunks, self.is_complete = outputs.read(services, output_id, self._chunks)
        self._chunks += len(chunks)
        with self._lock:
            for chunk in chunks:
                lines = self._terminal.feed(chunk)
                self._lines.extend(lines)
                self.count += len(lines)
        return bool(chunks) or self.is_complete

    def last(self, most: int = SHOWN_LINES) -> list[str]:
        """The newest finished lines."""
        return list(self._lines)[-most:]

    @property
    def rest(self) -> str:
        """The line that is still written."""
        return self._terminal.rest

    def since(self, mark: str) -> tuple[Any, str]:
        """What came after so many lines; the last mark is `N.`, when nothing more will come."""
        number, _, told = mark.partition(".")
        seen = int(number) if number.isdecimal() else 0
        with self._lock:
            lines, count, rest = list(self._lines), self.count, self.rest
        new = lines[max(0, len(lines) - (count - seen)) :] if seen < count else []
        state = f"{rest}.{'end' if self.is_complete else ''}"
        digest = f"{hash(state) & 0xFFFFFFFF:x}"
        if not new and told == digest:
            return None, mark
        lost = max(0, count - seen - len(lines))
        told_now = {"lines": new, "rest": rest, "lost": lost, "end": self.is_complete}
        return told_now, f"{count}.{digest}"
