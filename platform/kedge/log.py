"""The parts' own logs: one event a line, key=value, secrets nowhere.

This is what Kedge says of itself on standard error; apps' logs are `engine/logs.py`.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


def configure(level: str) -> None:
    """Log to standard error from this level up."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(
        level=number, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Forgiving(sys.stderr))),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
    )


class Forgiving:
    """A stream whose reader may be gone: what is done goes on, its log lines are lost.

    The pipe of a part is closed when its first process is killed; others of it may still be at a
    request.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, as far as somebody reads."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, likewise."""
        with suppress(OSError):
            self._stream.flush()
