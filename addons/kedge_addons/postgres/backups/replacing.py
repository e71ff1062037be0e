"""What is in a database replaced by a backup or by another database: beside it first, then at once.

The new database is made beside the one that serves, and takes its name when it is whole. Until then
nothing has changed for anybody; what is begun and not ended is thrown away by the next attempt.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kedge_addons.errors import Refused
from kedge_addons.postgres import insight, roles
from kedge_addons.postgres.backups import snapshot
from kedge_addons.postgres.backups.capture import dumped, told, words
from kedge_addons.postgres.backups.digest import checked
from kedge_addons.postgres.backups.progress import Progress
from kedge_addons.postgres.backups.rows import Kind, State, TransferRow
from kedge_addons.postgres.server import SOCKET_DIR
from kedge_addons.postgres.sql import PSQL
from kedge_addons.resource import Resource

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

RESTORE_SECONDS = 12 * 3600.0
LOOK_SECONDS = 3600.0


def restore(
    service: Postgres, resource: Resource, row: TransferRow, progress: Progress
) -> dict[str, Any]:
    """Put a backup in the place of what is in a database. Raises Refused, Away, Canceled."""
    backup = service.backups.transfers.find(row.source_id)
    if backup.kind != Kind.BACKUP or backup.state != State.VERIFIED:
        raise Refused("Only a backup that was verified can be restored.")
    _check_fits(service, resource, backup.source_bytes or 0)
    progress.say(f"Restoring {words(backup.size_bytes or 0)}.", source_bytes=backup.source_bytes,
                 size_bytes=backup.size_bytes)  # fmt: skip
    kept = service.backups.places.called(backup.store).read(str(backup.id))
    pieces = checked(kept, backup.size_bytes, backup.sha256)
    seconds = _replaced(service, resource, progress, pieces, None)
    return {"tables": backup.tables, "rows": backup.rows, "restore_seconds": seconds}


def copy(
    service: Postgres, resource: Resource, row: TransferRow, progress: Progress
) -> dict[str, Any]:
    """Put what is in another database in its place. Raises as `restore`."""
    source = service.tools.resources.find(service.offer.name, row.source_id)
    source_bytes = insight.size_bytes(service.sql(source))
    _check_fits(service, resource, source_bytes)
    progress.say(f"Copying {words(source_bytes)}.", source_bytes=source_bytes)
    with dumped(service, source) as (counts, dump):
        seconds = _replaced(service, resource, progress, dump, counts)
    return {"tables": len(counts), "rows": sum(counts.values()), "restore_seconds": seconds}


def _replaced(
    service: Postgres, resource: Resource, progress: Progress, pieces: Iterable[bytes],
    counts: Mapping[str, int] | None,
) -> float:  # fmt: skip
    """How long it took. With `counts`, tables must have these rows."""
    instances, secret, sql = service.tools.instances, resource.secrets, service.sql(resource)
    connections = service.plan_of(resource).limits["connections"]
    began = time.monotonic()
    try:
        sql.run(roles.empty_beside(secret), wait=True)
        beside = roles.beside(secret)
        command = ["pg_restore", "-h", SOCKET_DIR, "-U", "postgres", "--exit-on-error",
                   "--no-owner", "--no-privileges", f"--role={secret['owner']}",
                   "-d", beside]  # fmt: skip
        with told("pg_restore"):
            metered = progress.metered(pieces, "restored_bytes")
            named = {"PGAPPNAME": snapshot.NAME}
            instances.run_with(resource.id, command, metered, env=named, seconds=RESTORE_SECONDS)
        _look(service, resource, beside, counts)
        progress.say("Whole. It takes the database's place now.")
        sql.run(roles.put_in_place(secret, connections), wait=True)
    except BaseException:
        sql.run(roles.drop_beside(secret, connections), wait=True)
        raise
    seconds = time.monotonic() - began
    service.tools.resources.keep(resource, facts={"over_disk": None})
    progress.say(f"Done in {seconds:.1f} s.")
    return seconds


def _look(
    service: Postgres, resource: Resource, database: str, counts: Mapping[str, int] | None
) -> None:
    """Count its rows where they are known, and have the planner know it."""
    asked = [*PSQL, "-d", database]
    run = service.tools.instances.run
    if counts is not None:
        written = run(resource.id, asked, snapshot.COUNTS.encode(), seconds=LOOK_SECONDS)
        difference = snapshot.difference(counts, snapshot.counts_of(written))
        if difference is not None:
            raise Refused(f"What was copied differs: {difference}")
    run(resource.id, asked, b"ANALYZE;", seconds=LOOK_SECONDS)


def _check_fits(service: Postgres, resource: Resource, size_bytes: int) -> None:
    plan = service.plan_of(resource)
    if size_bytes > plan.limits["disk_mb"] * 2**20:
        raise Refused(
            f"{plan.human_name} holds {plan.limits['disk_mb']} MB, and these are "
            f"{words(size_bytes)}. Upgrade {resource.name} first."
        )
