"""Lines gathered into batches: as many as came, without waiting for more than a moment."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from kedge.engine.protocols import OutputLine

BATCH_LINES = 1000
WAITING_LINES = 20_000


def in_batches(lines: Iterator[OutputLine]) -> Iterator[list[OutputLine]]:
    """Batches of what has come. A quiet dyno's line goes out alone, a flood in thousands.

    Raises whatever reading the lines raised, after the lines before it.
    """
    waiting: queue.Queue[OutputLine | BaseException | None] = queue.Queue(WAITING_LINES)
    threading.Thread(target=_read, args=(lines, waiting), daemon=True).start()
    while True:
        first = waiting.get()
        batch = []
        item: OutputLine | BaseException | None = first
        while isinstance(item, OutputLine):
            batch.append(item)
            if len(batch) >= BATCH_LINES or waiting.empty():
                break
            item = waiting.get()
        if batch:
            yield batch
        if isinstance(item, BaseException):
            raise item
        if item is None:
            return


def _read(
    lines: Iterator[OutputLine], waiting: queue.Queue[OutputLine | BaseException | None]
) -> None:
    try:
        for line in lines:
            waiting.put(line)
    except BaseException as error:  # noqa: BLE001 - handed to whoever reads the batches
        waiting.put(error)
    else:
        waiting.put(None)
