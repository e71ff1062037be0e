"""The parts' own logs: one event a line, key=value, secrets nowhere.

This is what Kedge says of itself on standard error; apps' logs are `engine/logs.py`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
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
        with self._as_far_as_read():
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, likewise."""
        with self._as_far_as_read():
            self._stream.flush()

    @contextmanager
    def _as_far_as_read(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._write_to_nobody()
        except OSError:  # a full disk, which may have room again
            pass

    def _write_to_nobody(self) -> None:
        """What is still in the buffer would fail the process at its exit."""
        with suppress(OSError), Path(os.devnull).open("w") as nobody:
            os.dup2(nobody.fileno(), self._stream.fileno())
