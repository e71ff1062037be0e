"""Transfers at work: a few at a time, one per database, each in a thread of its own.

Whoever holds the claim on a database's transfers works. A process that is killed lets go of it, and
the next look finds a transfer that nobody is at: it is begun again.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from kedge_addons.database import Claim
from kedge_addons.errors import Busy, ProviderError, Refused
from kedge_addons.postgres.backups import capture, replacing, scratch
from kedge_addons.postgres.backups.progress import Canceled, Progress
from kedge_addons.postgres.backups.rows import OPEN, Kind, State, TransferRow
from kedge_addons.resource import State as ResourceState

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

log = logging.getLogger(__name__)
POSTGRES = "heroku-postgresql"
AT_ONCE = 2
WATCH_SECONDS = 1.0
WORK = {Kind.BACKUP: capture.capture, Kind.RESTORE: replacing.restore, Kind.COPY: replacing.copy}
GREEN_OF = {Kind.BACKUP: State.VERIFIED, Kind.RESTORE: State.SUCCEEDED, Kind.COPY: State.SUCCEEDED}


class Runner:
    """Threads of one process; they end with it, and another process goes on."""

    def __init__(self, service: Postgres) -> None:
        self._service = service
        self._at: dict[uuid.UUID, uuid.UUID] = {}  # resource: transfer
        self._lock = threading.Lock()

    def look(self) -> None:
        """Begin with what is to be done and has room. Raises Away: the database is."""
        for row in self._service.backups.transfers.in_state(*OPEN):
            with self._lock:
                if len(self._at) >= AT_ONCE:
                    return
                if row.resource_id in self._at:
                    continue
                self._at[row.resource_id] = row.id
            name = f"transfer {row.id}"
            threading.Thread(target=self._work, args=(row,), name=name, daemon=True).start()

    @contextmanager
    def _watched(self, row: TransferRow) -> Iterator[None]:
        """Have a transfer that is canceled notice it, whatever it waits for."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(WATCH_SECONDS):
                with suppress(ProviderError):
                    if self._service.backups.transfers.find(row.id).wants_cancel:
                        self._interrupt(row)

        watcher = threading.Thread(target=watch, name=f"watch {row.id}", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def _interrupt(self, row: TransferRow) -> None:
        instances = self._service.tools.instances
        for resource_id in {row.resource_id, row.source_id or row.resource_id}:
            with suppress(ProviderError):
                resource = self._service.tools.resources.find(POSTGRES, resource_id)
                capture.end_sessions(self._service, resource)
        with suppress(ProviderError):
            scratch.remove(instances, row.id)

    def sweep(self) -> None:
        """Remove throw-away servers of transfers that do not go on. Raises Away.

        The servers are listed first: a transfer is open before it has one.
        """
        tools = self._service.tools
        found = scratch.left_over(tools.instances)
        open_ids = {row.id for row in self._service.backups.transfers.in_state(*OPEN)}
        for transfer_id in found - open_ids:
            scratch.remove(tools.instances, transfer_id)

    def _work(self, row: TransferRow) -> None:
        try:
            with self._service.tools.database.claim(f"transfers of {row.resource_id}") as claim:
                self._transfer(claim, row.id)
        except Busy:
            pass  # another process is at it
        except ProviderError as error:  # the row still says what is to be done
            log.warning("transfer %s: %s", row.id, error.message)
        except Exception:  # likewise; this process goes on
            log.exception("transfer %s could not be worked at", row.id)
        finally:
            with self._lock:
                del self._at[row.resource_id]
        self._look_again()

    def _look_again(self) -> None:
        try:
            self.look()
        except ProviderError as error:
            log.warning("transfers: %s", error.message)

    def _transfer(self, claim: Claim, transfer_id: uuid.UUID) -> None:
        transfers = self._service.backups.transfers
        row = transfers.take(claim, transfer_id)
        if row is None:
            return
        facts: dict[str, Any] = {}
        try:
            facts = self._done(row)
            state, reason = GREEN_OF[Kind(row.kind)], None
        except Canceled:
            state, reason = State.CANCELED, "Canceled."
        except ProviderError as error:
            state, reason = self._failed(row, error)
        except Exception as error:  # a defect of ours is told, and stops no other transfer
            log.exception("transfer %s failed", row.id)
            state, reason = State.FAILED, f"Something went wrong: {type(error).__name__}."
        transfers.end(claim, transfer_id, state, reason, **facts)

    def _failed(self, row: TransferRow, error: ProviderError) -> tuple[State, str]:
        if self._service.backups.transfers.find(row.id).wants_cancel:
            return State.CANCELED, "Canceled."
        log.warning("transfer %s failed: %s", row.id, error.message)
        return State.FAILED, error.message

    def _done(self, row: TransferRow) -> dict[str, Any]:
        resource = self._service.tools.resources.get(row.resource_id)
        if resource.state != ResourceState.READY:
            raise Refused(f"{resource.name} was destroyed.")
        progress = Progress(self._service.backups.transfers, row.id)
        with self._watched(row):
            return WORK[Kind(row.kind)](self._service, resource, row, progress)
