"""The output of builds and release phases: appended while it comes, read while it grows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kedge.db import Transaction
from kedge.model.output import OUTPUT_LIMIT_BYTES, Output, OutputChunk
from kedge.ops.services import Services

POLL_SECONDS = 1.0
EXPIRED_WORDS = (
    b" !     This output is no longer kept: it is older than the server's KEDGE_OUTPUT_DAYS, and "
    b"not among the app's newest.\n"
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many bytes of an output there are, and whether there will be no more."""

    size_bytes: int
    is_complete: bool


def topic(output_id: uuid.UUID) -> str:
    """What is woken when an output grew."""
    return f"output:{output_id}"


def begin(services: Services, app_id: uuid.UUID, output_id: uuid.UUID) -> None:
    """Make an output readable. Begun twice is begun once."""
    with services.database.transaction() as tx:
        open_in(tx, app_id, output_id)


def open_in(tx: Session, app_id: uuid.UUID, output_id: uuid.UUID) -> None:
    """Make an output readable as part of a transaction, so that what writes to it finds it."""
    if tx.get(Output, output_id) is None:
        tx.add(Output(id=output_id, app_id=app_id))


def write(services: Services, output_id: uuid.UUID, payload: bytes) -> None:
    """Append to an output. Over its limit, bytes are counted instead of kept."""
    with services.database.transaction() as tx:
        output = tx.get(Output, output_id, with_for_update=True)
        if output is None:  # its app was destroyed meanwhile
            return
        _append(tx, output, payload)
    services.wakes.wake(topic(output_id))


def finish(services: Services, output_id: uuid.UUID) -> None:
    """No more is to come. Says how much was over the limit."""
    with services.database.transaction() as tx:
        close_in(services, tx, output_id)


def close_in(
    services: Services, tx: Transaction, output_id: uuid.UUID, last_words: bytes = b""
) -> None:
    """Finish an output as part of a transaction: who follows it is never left waiting."""
    output = tx.get(Output, output_id, with_for_update=True)
    if output is None or output.is_complete:
        return
    _append(tx, output, last_words)
    if output.dropped_bytes:
        words = f"\n ... {output.dropped_bytes} more bytes of output were not kept\n"
        _add(tx, output, words.encode())
    output.is_complete = True
    tx.after_commit(lambda: services.wakes.wake(topic(output_id)))


def exists(services: Services, output_id: uuid.UUID) -> bool:
    """Whether there is anything to read yet."""
    with services.database.transaction() as tx:
        return tx.get(Output, output_id) is not None


def is_of(services: Services, output_id: uuid.UUID, app_id: uuid.UUID) -> bool:
    """Whether it is an output of that app."""
    with services.database.transaction() as tx:
        output = tx.get(Output, output_id)
        return output is not None and output.app_id == app_id


def read(services: Services, output_id: uuid.UUID, first: int) -> tuple[list[bytes], bool]:
    """The chunks from number `first` on, and whether there will be no more.

    Nor will there be of an output that is gone with its app, or is too old to be kept, which says
    so instead.
    """
    with services.database.transaction() as tx:
        output = tx.get(Output, output_id)
        if output is not None and output.expired_at:
            return [] if first else [EXPIRED_WORDS], True
        query = (
            select(OutputChunk.payload)
            .where(OutputChunk.output_id == output_id, OutputChunk.number >= first)
            .order_by(OutputChunk.number)
        )
        return list(tx.scalars(query)), output is None or output.is_complete


def follow(services: Services, output_id: uuid.UUID, first_byte: int = 0) -> Iterator[bytes]:
    """The output from a byte on, as it comes, to its end; b"" about every second of silence."""
    number, seen = _place(services, output_id, first_byte) if first_byte else (0, 0)
    while True:
        chunks, complete = read(services, output_id, number)
        for chunk in chunks:
            if payload := chunk[seen:]:
                yield payload
            seen = 0
        number += len(chunks)
        if complete:
            return
        if not chunks and not services.wakes.wait(topic(output_id), POLL_SECONDS):
            yield b""


def extent(services: Services, output_id: uuid.UUID) -> Extent | None:
    """How much there is to read now; None when there is nothing yet."""
    with services.database.transaction() as tx:
        output = tx.get(Output, output_id)
        if output is None:
            return None
        if output.expired_at:
            return Extent(len(EXPIRED_WORDS), is_complete=True)
        return Extent(output.kept_bytes, output.is_complete)


def _place(services: Services, output_id: uuid.UUID, first_byte: int) -> tuple[int, int]:
    """The number of the chunk a byte is in, and how much of that chunk comes before it."""
    size = func.length(OutputChunk.payload)
    end = func.sum(size).over(order_by=OutputChunk.number)
    query = select(OutputChunk.number, (end - size).label("start"), end.label("end"))
    chunks = query.where(OutputChunk.output_id == output_id).subquery()
    with services.database.transaction() as tx:
        output = tx.get(Output, output_id)
        if output is None or output.expired_at:
            return 0, first_byte
        found = tx.execute(
            select(chunks.c.number, chunks.c.start)
            .where(chunks.c.end > first_byte)
            .order_by(chunks.c.number)
            .limit(1)
        ).first()
        return (found[0], first_byte - int(found[1])) if found else (output.next_chunk, 0)


def _append(tx: Session, output: Output, payload: bytes) -> None:
    kept = payload[: max(0, OUTPUT_LIMIT_BYTES - output.kept_bytes)]
    output.dropped_bytes += len(payload) - len(kept)
    if kept:
        _add(tx, output, kept)


def _add(tx: Session, output: Output, payload: bytes) -> None:
    number = output.next_chunk
    tx.add(OutputChunk(output_id=output.id, number=number, app_id=output.app_id, payload=payload))
    output.next_chunk += 1
    output.kept_bytes += len(payload)
