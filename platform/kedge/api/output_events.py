"""An output as server-sent events, so that who connects again neither loses nor repeats a byte.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The data of all events, one after
the other, is the output; an event's id is how many bytes of it came so far.
"""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Generator, Iterable

HEARTBEAT_SECONDS = 15.0
# How soon to connect again, in milliseconds.
RETRY = b"retry: 1000\n\n"
# The format ends lines at these, and only the first can be told apart from data that ends in one.
LINE_ENDS = re.compile(r"\r\n|\r|\n")


def events(payloads: Iterable[bytes], first: int) -> Generator[bytes, None, None]:
    """The events of what comes after `first` bytes; a comment in a long silence, `end` at the end.

    An event never ends within a character or a line end. Carriage returns become line feeds, for
    the format knows no other line end.
    """
    yield RETRY
    text = _Text(first)
    spoke_at = time.monotonic()
    for payload in payloads:
        if event := text.event(payload):
            spoke_at = time.monotonic()
            yield event
        elif time.monotonic() - spoke_at >= HEARTBEAT_SECONDS:
            spoke_at = time.monotonic()
            yield b": \n\n"
    yield text.event(b"", is_last=True)
    yield b"event: end\ndata:\n\n"


class _Text:
    """Bytes that become whole characters and whole line ends."""

    def __init__(self, first: int) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._taken = first
        self._held = ""

    def event(self, payload: bytes, *, is_last: bool = False) -> bytes:
        """The event of what is whole by now; b"" when nothing is."""
        self._taken += len(payload)
        text = self._held + self._decoder.decode(payload, is_last)
        # It may be the first half of a line end.
        self._held = "\r" if text.endswith("\r") and not is_last else ""
        text = text.removesuffix(self._held)
        if not text:
            return b""
        number = self._taken - len(self._decoder.getstate()[0]) - len(self._held)
        rows = "".join(f"data: {line}\n" for line in LINE_ENDS.split(text))
        return f"id: {number}\n{rows}\n".encode()
