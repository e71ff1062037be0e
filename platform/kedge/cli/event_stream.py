"""Server-sent events, read as bytes come (https://html.spec.whatwg.org/#server-sent-events).

Lines end with a line feed only: httpx's own line reader also splits at form feeds and the like,
which are part of what apps print.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Event:
    """One event: its lines of data, and the id to go on after."""

    id: str | None = None
    lines: list[str] = field(default_factory=list)


def events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The events in a stream of bytes; comments (heartbeats) are passed over."""
    event = Event()
    for line in _lines(pieces):
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if not line:
            if event.lines:
                yield event
            event = Event()
        elif name == b"data":
            event.lines.append(text)
        elif name == b"id":
            event.id = text


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
