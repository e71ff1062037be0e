"""Log lines as bytes: one record a line, `<at_ns> <source> <process> <text>`, UTF-8.

A record never holds a line end or a character that moves a terminal's cursor, so a reader may split
at every line end, and a person may read a log with `cat`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, cast

from kedge.engine.protocols import LogFilter, LogLine

# Longer texts become several records of the same time; readers rely on the bound.
MAX_TEXT_CHARACTERS = 16 * 1024
# Nanoseconds up to the year 2286; more digits are damage, and no date.
MOST_TIME_DIGITS = 19
SOURCES = {b"app": "app", b"heroku": "heroku"}

# Tabs and colours (ESC [ … m) stay, as on Heroku; every other control character is made visible.
_UNSAFE = re.compile(
    "\x1b\\[[0-9;:]*m|[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]",
)
_DELETE = "\u2421"
_REPLACEMENT = "\ufffd"


def safe_text(text: str) -> str:
    """A text as the log keeps it: without line ends, with control characters as pictures (␛, ␍).

    Who compares texts with what a log store gives back compares their safe forms.
    """
    if text.isprintable():
        return text
    return _UNSAFE.sub(_picture, text.rstrip("\r\n"))


def _picture(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) > 1:
        return found
    code = ord(found)
    if code < 0x20:
        return chr(0x2400 + code)
    return _DELETE if code == 0x7F else _REPLACEMENT


def encode(lines: Iterable[LogLine]) -> bytes:
    """The records of these lines, in their order."""
    return "".join(
        f"{line.at_ns:d} {line.source} {_token(line.process)} {text}\n"
        for line in lines
        for text in _pieces(safe_text(line.text))
    ).encode()


@lru_cache(maxsize=1024)
def _token(process: str) -> str:
    """A process name without spaces, which would shift the fields of a record."""
    return re.sub(r"\s", "_", safe_text(process)) or "-"


def _pieces(text: str) -> Sequence[str]:
    if len(text) <= MAX_TEXT_CHARACTERS:
        return (text,)
    return [text[at : at + MAX_TEXT_CHARACTERS] for at in range(0, len(text), MAX_TEXT_CHARACTERS)]


def decode(record: bytes) -> LogLine | None:
    """The line of one record (without its line end); None when the record is damaged."""
    try:
        at, source, process, text = record.split(b" ", 3)
        if len(at) > MOST_TIME_DIGITS:
            return None
        return LogLine(
            int(at),
            cast("Literal['app', 'heroku']", SOURCES[source]),
            process.decode(),
            text.decode("utf-8", "replace"),
        )
    except (ValueError, KeyError):  # too few fields, no number, no such source, not UTF-8
        return None


def decode_all(block: bytes) -> Iterator[LogLine]:
    """The lines of a block of whole records; damaged ones are left out."""
    for record in block.split(b"\n"):
        line = decode(record) if record else None
        if line is not None:
            yield line


def matches(line: LogLine, only: LogFilter) -> bool:
    """Whether a filter lets a line through; its process is a name (`web.1`) or a type (`web`)."""
    if only.source is not None and line.source != only.source:
        return False
    wanted = only.process
    return wanted is None or line.process == wanted or line.process.startswith(f"{wanted}.")


def moment(at_ns: int) -> str:
    """A time in the log's form, `2010-09-16T15:13:46.677020+00:00`."""
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}+00:00"
