"""Rows of transfers: asked for, taken up, noted, ended. All that is said of one is in its row."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from kedge_addons.database import Claim, Database
from kedge_addons.errors import Busy, Refused, Unknown
from kedge_addons.postgres.backups.rows import (
    ENDED,
    GREEN,
    HIDDEN,
    OPEN,
    Kind,
    State,
    TransferRow,
)

ATTEMPTS = 3
LOG_LINES = 100
LETTERS = {Kind.BACKUP: "b", Kind.RESTORE: "r", Kind.COPY: "c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A transfer somebody wants. `owner`: the app among whose transfers it gets its number."""

    kind: Kind
    resource_id: uuid.UUID
    owner: str
    from_name: str
    to_name: str
    source_id: uuid.UUID | None = None
    is_scheduled: bool = False


def title(row: TransferRow) -> str:
    """What people call it: `b007`, `r008`."""
    return f"{LETTERS[Kind(row.kind)]}{row.num:03}"


class Transfers:
    """All transfers of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- found ---

    def of(self, resource_id: uuid.UUID) -> list[TransferRow]:
        """The transfers of a resource, the newest first."""
        query = select(TransferRow).where(TransferRow.resource_id == resource_id)
        query = query.where(TransferRow.state.not_in(HIDDEN))
        with self._database.transaction() as tx:
            return list(tx.scalars(query.order_by(TransferRow.created_at.desc())))

    def find(self, transfer_id: uuid.UUID | None) -> TransferRow:
        """One transfer. Raises Unknown."""
        with self._database.transaction() as tx:
            row = tx.get(TransferRow, transfer_id) if transfer_id else None
        if row is None or row.state in HIDDEN:
            raise Unknown("There is no such backup, restore or copy.")
        return row

    def in_state(self, *states: State) -> list[TransferRow]:
        """The transfers of all resources in these states, the oldest first."""
        query = select(TransferRow).where(TransferRow.state.in_(states))
        with self._database.transaction() as tx:
            return list(tx.scalars(query.order_by(TransferRow.created_at)))

    def owing(self) -> list[TransferRow]:
        """Those the platform is to be alerted of."""
        with self._database.transaction() as tx:
            return list(tx.scalars(select(TransferRow).where(TransferRow.owes_alert)))

    def check_idle(self, resource_id: uuid.UUID) -> None:
        """Raises Busy while a transfer of this resource goes on."""
        for row in self.of(resource_id):
            if row.state in OPEN:
                raise Busy(f"{title(row)} goes on. Wait for it, or cancel it.")

    # --- asked for ---

    def begin(self, asked: Asked) -> TransferRow:
        """Queue one; the runner takes it up."""
        with self._database.transaction() as tx:
            return self.begin_in(tx, asked)

    def begin_in(self, tx: Session, asked: Asked) -> TransferRow:
        """The same, in a transaction of the caller's."""
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner, 40))")
        tx.execute(lock, {"owner": asked.owner})
        newest = select(func.max(TransferRow.num)).where(TransferRow.owner == asked.owner)
        row = TransferRow(
            id=uuid.uuid4(), resource_id=asked.resource_id, owner=asked.owner, kind=asked.kind,
            num=(tx.scalar(newest) or 0) + 1, state=State.QUEUED, is_scheduled=asked.is_scheduled,
            source_id=asked.source_id, from_name=asked.from_name, to_name=asked.to_name,
            processed_bytes=0, restored_bytes=0, attempts=0, wants_cancel=False, owes_alert=False,
            log={"lines": []}, created_at=_now(),
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        return row

    def cancel(self, transfer_id: uuid.UUID) -> TransferRow:
        """Have it end. Raises Refused: it has ended already."""

        def change(row: TransferRow) -> None:
            if row.state in ENDED:
                raise Refused(f"{title(row)} has ended already: it {_ended_words(row)}.")
            row.wants_cancel = True
            if row.state == State.QUEUED:
                row.state, row.finished_at, row.reason = State.CANCELED, _now(), "Canceled."

        return self.change(transfer_id, change)

    def delete(self, transfer_id: uuid.UUID) -> TransferRow:
        """Have it removed, with what is kept of it. Raises Refused: it goes on."""

        def change(row: TransferRow) -> None:
            if row.state in OPEN:
                raise Refused(f"{title(row)} goes on. Cancel it first.")
            row.state = State.DELETING

        return self.change(transfer_id, change)

    def forget_all(self, resource_id: uuid.UUID) -> None:
        """Have all of a resource removed, for it is gone for good."""
        query = select(TransferRow).where(TransferRow.resource_id == resource_id)
        with self._database.transaction() as tx:
            for row in tx.scalars(query.where(TransferRow.state != State.DELETED)):
                row.state, row.owes_alert = State.DELETING, False

    # --- taken up, and ended ---

    def take(self, claim: Claim, transfer_id: uuid.UUID) -> TransferRow | None:
        """Begin with one, or begin again with one whose process ended; None: there is no need."""
        with claim.transaction() as tx:
            row = tx.get_one(TransferRow, transfer_id, with_for_update=True)
            if row.state not in OPEN:
                return None
            if row.state != State.QUEUED:
                _say(row, f"Attempt {row.attempts} failed: the process at it was ended.")
            if row.wants_cancel:
                _end(row, State.CANCELED, "Canceled.")
            elif row.attempts >= ATTEMPTS:
                _end(row, State.FAILED, f"The process at it was ended {ATTEMPTS} times.")
            else:
                row.state, row.started_at = State.RUNNING, row.started_at or _now()
                row.attempts, row.processed_bytes, row.restored_bytes = row.attempts + 1, 0, 0
                return row
            return None

    def end(
        self, claim: Claim, transfer_id: uuid.UUID, state: State, reason: str | None = None,
        **facts: Any,
    ) -> None:  # fmt: skip
        """Write down how it ended, unless the claim was lost."""
        with claim.transaction() as tx:
            row = tx.get_one(TransferRow, transfer_id, with_for_update=True)
            for name, value in facts.items():
                setattr(row, name, value)
            _end(row, state, reason)

    def keep(self, transfer_id: uuid.UUID, *, says: str | None = None, **facts: Any) -> bool:
        """Write down more of one that goes on; whether it is to go on."""

        def change(row: TransferRow) -> None:
            for name, value in facts.items():
                setattr(row, name, value)
            if says:
                _say(row, says)

        return not self.change(transfer_id, change).wants_cancel

    def fail(self, row: TransferRow, reason: str) -> None:
        """One that was green is not, as is seen now."""

        def change(row: TransferRow) -> None:
            if row.state in GREEN:
                _end(row, State.FAILED, reason)

        self.change(row.id, change)

    def change(self, transfer_id: uuid.UUID, change: Callable[[TransferRow], None]) -> TransferRow:
        """Change a row while nobody else does."""
        with self._database.transaction() as tx:
            row = tx.get_one(TransferRow, transfer_id, with_for_update=True)
            change(row)
            return row


def lines(row: TransferRow) -> Sequence[dict[str, Any]]:
    """What was said of it, the oldest first."""
    found: list[dict[str, Any]] = row.log.get("lines", [])
    return found


def _end(row: TransferRow, state: State, reason: str | None) -> None:
    row.state, row.reason, row.finished_at = state, reason, _now()
    row.owes_alert = state == State.FAILED
    if reason:
        _say(row, reason)


def _say(row: TransferRow, message: str) -> None:
    kept = [*lines(row), {"at": _now().isoformat(), "message": message}]
    row.log = {"lines": kept[-LOG_LINES:]}


def _ended_words(row: TransferRow) -> str:
    return "succeeded" if row.state in GREEN else str(row.state)


def _now() -> datetime:
    return datetime.now(UTC)
