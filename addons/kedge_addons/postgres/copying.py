"""One database copied over another: `pg_dump` in the one server into `pg_restore` in the other.

What was begun and not ended (its process was killed) is begun again on an empty database.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from kedge_addons.errors import Away, Gone, Refused, Unknown
from kedge_addons.execution import Failed
from kedge_addons.postgres import roles
from kedge_addons.postgres.server import SOCKET_DIR
from kedge_addons.resource import Resource, State

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

COPY_SECONDS = 6 * 3600.0
# Copies take hours; the worker's other threads are for what takes seconds.
_PLACES = threading.BoundedSemaphore(2)


def source_of(service: Postgres, url: str) -> Resource:
    """The resource a database URL is of. Raises Refused: none that is ready."""
    from kedge_addons.postgres.service import is_url_of  # noqa: PLC0415 - it has us as a part

    for each in service.tools.resources.all(service.offer.name, State.READY):
        if is_url_of(each, url):
            return each
    raise Refused(
        "fork must be the URL of another heroku-postgresql add-on's database, as `kedge config` "
        "shows it."
    )


def into(service: Postgres, target: Resource, source_id: str) -> None:
    """Empty the target's database and copy the source's into it.

    Raises:
        Refused: the source is gone, or cannot be copied.
        Away: a server does not answer, or others are being copied; it is tried again.
    """
    source = _source(service, source_id)
    if not _PLACES.acquire(blocking=False):
        raise Away("Other databases are being copied. This one waits its turn.")
    try:
        _copy(service, source, target)
    except Failed as error:
        words = error.stderr[-300:].strip()
        raise Refused(f"{source.name} could not be copied: {words}") from error
    finally:
        _PLACES.release()


def _source(service: Postgres, source_id: str) -> Resource:
    try:
        return service.tools.resources.find(service.offer.name, uuid.UUID(source_id))
    except (Gone, Unknown) as error:
        raise Refused(f"There is nothing to copy any more: {error.message}") from error


def _copy(service: Postgres, source: Resource, target: Resource) -> None:
    connections = service.plan_of(target).limits["connections"]
    service.sql(target).run(roles.empty(target.secrets, connections), wait=True)
    dump = ["pg_dump", "-h", SOCKET_DIR, "-U", "postgres", "-Fc", "-Z", "zstd:1",
            "--no-owner", "--no-privileges", source.secrets["database"]]  # fmt: skip
    restore = ["pg_restore", "-h", SOCKET_DIR, "-U", "postgres", "--exit-on-error", "--no-owner",
               "--no-privileges", f"--role={target.secrets['owner']}",
               "-d", target.secrets["database"]]  # fmt: skip
    dumped = service.tools.instances.stream(source.id, dump, seconds=COPY_SECONDS)
    service.tools.instances.run_with(target.id, restore, dumped, seconds=COPY_SECONDS)
