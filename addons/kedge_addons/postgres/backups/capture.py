"""A backup: dumped, kept, restored into a throw-away server, its rows counted there."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from kedge_addons.errors import Away, ProviderError, Refused
from kedge_addons.execution import Failed
from kedge_addons.postgres import insight
from kedge_addons.postgres.backups import scratch, snapshot
from kedge_addons.postgres.backups.digest import Digest, checked
from kedge_addons.postgres.backups.progress import Progress
from kedge_addons.postgres.backups.rows import State, TransferRow
from kedge_addons.postgres.backups.store import Store
from kedge_addons.resource import Resource

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

log = logging.getLogger(__name__)
DUMP_SECONDS = 12 * 3600.0
# Beyond what the database takes, for indexes that are built and for everybody else on that disk.
ROOM_BYTES = 512 * 2**20


def capture(
    service: Postgres, resource: Resource, row: TransferRow, progress: Progress
) -> dict[str, Any]:
    """Make a backup and prove it; what is known of it then.

    Raises:
        Refused, Away: in words. Nothing of it is kept then.
        Canceled: likewise.
    """
    store = service.backups.places.newest()
    try:
        return _captured(service, resource, row, progress, store)
    except BaseException:
        with suppress(ProviderError):
            store.remove(str(row.id))
        raise


def _captured(
    service: Postgres, resource: Resource, row: TransferRow, progress: Progress, store: Store
) -> dict[str, Any]:
    source_bytes = insight.size_bytes(service.sql(resource))
    progress.say(f"Dumping {words(source_bytes)} to {store.name}.", store=store.name,
                 source_bytes=source_bytes)  # fmt: skip
    began, digest = time.monotonic(), Digest()
    with dumped(service, resource) as (counts, dump):
        key = str(row.id)
        store.write(key, progress.metered(digest.of(dump), "processed_bytes"))
    dump_seconds = time.monotonic() - began
    kept = {"size_bytes": digest.size_bytes, "sha256": digest.sha256, "dump_seconds": dump_seconds,
            "tables": len(counts), "rows": sum(counts.values())}  # fmt: skip
    progress.say(f"Dumped {kept['tables']} tables with {kept['rows']} rows in {dump_seconds:.1f} s:"
                 f" {words(digest.size_bytes)}, SHA-256 {digest.sha256}.",
                 state=State.VERIFYING, **kept)  # fmt: skip
    pieces = checked(store.read(key), digest.size_bytes, digest.sha256)
    seconds = _proved(service, resource, row, progress, counts, pieces, source_bytes)
    return kept | {"restore_seconds": seconds}


def _proved(
    service: Postgres, resource: Resource, row: TransferRow, progress: Progress,
    counts: dict[str, int], pieces: Iterator[bytes], source_bytes: int,
) -> float:  # fmt: skip
    """How long a restore into a throw-away server took. Raises Refused: it is not the same."""
    _check_room(service, resource, source_bytes)
    roles = service.sql(resource).run(snapshot.ROLES).split()
    image = service.tools.settings.image
    with scratch.server(service.tools.instances, image, row.id) as server:
        server.wait(roles)
        began = time.monotonic()
        with told("pg_restore"):
            server.restore(progress.metered(pieces, "restored_bytes"))
        seconds = time.monotonic() - began
        difference = snapshot.difference(counts, server.counts())
    if difference is not None:
        raise Refused(f"Restored to prove it, it differs: {difference}")
    progress.say(f"Restored in {seconds:.1f} s; every table has the rows it had. Verified.")
    return seconds


@contextmanager
def dumped(
    service: Postgres, resource: Resource
) -> Iterator[tuple[dict[str, int], Iterator[bytes]]]:
    """The rows of each table, and a dump of the same moment. No session is left behind."""
    end_sessions(service, resource)
    command = snapshot.command(str(resource.secrets["database"]))
    pieces = service.tools.instances.stream(resource.id, command, seconds=DUMP_SECONDS)
    try:
        with told("pg_dump"):
            yield snapshot.parted(pieces)
    except BaseException:
        # Programs in a container outlive whoever started them; one of ours would hold its snapshot.
        with suppress(ProviderError):
            end_sessions(service, resource)
        raise


def end_sessions(service: Postgres, resource: Resource) -> None:
    """End what an earlier attempt may have left in the server. Raises Away."""
    service.sql(resource).run(snapshot.END_SESSIONS, wait=True)


@contextmanager
def told(program: str) -> Iterator[None]:
    """Say what a program complained of. Raises Refused."""
    try:
        yield
    except Failed as error:
        lines = [line for line in error.stderr.splitlines() if "error" in line.lower()]
        said = (lines or error.stderr.splitlines() or ["without a word"])[0].strip()
        raise Refused(f"{program} failed: {said[:300]}") from error


def _check_room(service: Postgres, resource: Resource, source_bytes: int) -> None:
    command = ["df", "--output=avail", "-B1", "/data"]
    written = service.tools.instances.run(resource.id, command).split()
    left, needed = int(written[-1]), source_bytes * 5 // 4 + ROOM_BYTES
    if left < needed:
        raise Away(
            f"The engine's disk has {words(left)} left, and proving this backup takes "
            f"{words(needed)}. Make room on it."
        )


def words(size_bytes: int) -> str:
    """`12.3 MB`."""
    size, unit = float(size_bytes), 0
    units = ("B", "KB", "MB", "GB", "TB")
    while size >= 1024 and unit < len(units) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {units[unit]}"
