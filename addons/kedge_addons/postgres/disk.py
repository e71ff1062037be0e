"""The disk a plan has, enforced: a database that is over it becomes read-only, as on Heroku.

The volume itself has no quota, so this is looked at once a minute. Transactions are read-only by
default then; who wants to make room says `SET default_transaction_read_only = off` and deletes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kedge_addons.errors import ProviderError
from kedge_addons.postgres import insight, roles
from kedge_addons.resource import Resource, State

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

log = logging.getLogger(__name__)
TURNS = 12  # at a tick each five seconds, every database is looked at once a minute


def look_at_some(service: Postgres, turn: int) -> None:
    """Look at every twelfth database: a tick must not take long, however many there are."""
    for resource in service.tools.resources.all(service.offer.name, State.READY):
        if resource.id.int % TURNS != turn:
            continue
        try:
            look(service, resource)
        except ProviderError as error:
            log.info("%s: its size is not known: %s", resource.name, error.message)


def look(service: Postgres, resource: Resource) -> None:
    """Compare a database with its plan, and act. Raises Away."""
    limit_bytes = service.plan_of(resource).limits["disk_mb"] * 2**20
    size_bytes = insight.size_bytes(service.sql(resource))
    was_over, is_over = bool(resource.facts.get("over_disk")), size_bytes > limit_bytes
    if was_over == is_over:
        return
    log.warning("%s: %d of %d bytes: read-only %s", resource.name, size_bytes, limit_bytes, is_over)
    service.sql(resource).run(roles.read_only(resource.secrets, on=is_over))
    service.tools.resources.keep(resource, facts={"over_disk": is_over or None})
