"""All of it together, as the hooks of heroku-postgresql have it: what is done by the clock."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kedge_addons.errors import Away, ProviderError
from kedge_addons.postgres.backups import retention
from kedge_addons.postgres.backups.places import Places
from kedge_addons.postgres.backups.rows import Kind, State, TransferRow
from kedge_addons.postgres.backups.runner import Runner
from kedge_addons.postgres.backups.schedules import Schedules
from kedge_addons.postgres.backups.transfers import Transfers, title
from kedge_addons.resource import Resource
from kedge_addons.resource import State as ResourceState

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

log = logging.getLogger(__name__)
CLEANING_SECONDS = 300.0
NOUNS = {Kind.BACKUP: "Backup", Kind.RESTORE: "Restore", Kind.COPY: "Copy"}


class Backups:
    """Transfers, schedules, places and the runner of one installation."""

    def __init__(self, service: Postgres) -> None:
        settings = service.tools.settings
        self._service = service
        self.transfers = Transfers(service.tools.database)
        self.schedules = Schedules(service.tools.database)
        self.places = Places(settings.home, settings.backups_url)
        self.runner = Runner(service)
        self._cleaned_at = float("-inf")

    def tick(self) -> None:
        """What is due begins, and what failed is told. Called by one process. Raises Away."""
        self.schedules.queue_due(self.transfers, _now())
        self.runner.look()
        for row in self.transfers.owing():
            self._alert(row)
        for row in self.transfers.in_state(State.DELETING):
            self._remove(row)
        if time.monotonic() - self._cleaned_at > CLEANING_SECONDS:
            self._cleaned_at = time.monotonic()
            self.clean()

    def clean(self) -> None:
        """Look at what is kept where it is kept, and remove what is kept no longer. Raises Away."""
        self.runner.sweep()
        for row in self.transfers.in_state(State.VERIFIED):
            if retention.is_due_for_check(row, _now()):
                self._check(row)
        for resource in self._service.tools.resources.all(self._service.offer.name,
                                                          ResourceState.READY):  # fmt: skip
            limits = self._service.plan_of(resource).limits
            rows = self.transfers.of(resource.id)
            for row in retention.superfluous(rows, limits, _now()):
                self.transfers.delete(row.id)

    def problems(self, resource: Resource) -> list[str]:
        """What somebody should know of a resource's backups."""
        made = [each.created_at for each in self.schedules.of(resource.id)]
        return retention.problems(self.transfers.of(resource.id), min(made, default=None), _now())

    def forget(self, resource_id: uuid.UUID) -> None:
        """Remove all of a resource that is gone for good."""
        self.schedules.remove_all(resource_id)
        self.transfers.forget_all(resource_id)

    def _check(self, row: TransferRow) -> None:
        """A backup that is not where it is kept any more is not green."""
        try:
            size = self.places.called(row.store).size(str(row.id))
        except Away as error:
            log.warning("%s %s cannot be looked at: %s", title(row), row.id, error.message)
            return
        if size == row.size_bytes:
            self.transfers.keep(row.id, checked_at=_now())
        else:
            found = "is gone" if size is None else f"has {size} of {row.size_bytes} bytes"
            self.transfers.fail(row, f"What was kept of {title(row)} {found}.")

    def _alert(self, row: TransferRow) -> None:
        words = f"{NOUNS[Kind(row.kind)]} {title(row)} of {row.to_name} failed: {row.reason}"
        body = {"kind": row.kind, "message": words}
        try:
            path = f"/addons/{row.resource_id}/alerts"
            self._service.tools.platform.call(row.resource_id, "POST", path, body)
        except Away as error:
            log.warning("%s %s: the platform was not told: %s", title(row), row.id, error.message)
            return
        except ProviderError as error:  # it does not want to know
            log.warning("%s %s: the platform refused: %s", title(row), row.id, error.message)
        self.transfers.keep(row.id, owes_alert=False)

    def _remove(self, row: TransferRow) -> None:
        try:
            if self.places.is_known(row.store):
                self.places.called(row.store).remove(str(row.id))
            else:
                log.warning("%s is left in a bucket that is no longer set: %s", title(row), row.id)
        except Away as error:
            log.warning("%s %s cannot be removed: %s", title(row), row.id, error.message)
            return
        self.transfers.keep(row.id, state=State.DELETED, log={"lines": []}, reason=None)


def _now() -> datetime:
    return datetime.now(UTC)
