"""One database copied over another: `pg_dump` in the one server into `pg_restore` in the other.

What was begun and not ended (its process was killed) is begun again on an empty database.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from kedge_addons.errors import Refused
from kedge_addons.execution import Failed
from kedge_addons.postgres import roles
from kedge_addons.postgres.server import SOCKET_DIR
from kedge_addons.resource import Resource, State

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

COPY_SECONDS = 6 * 3600.0


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
    """Empty the target's database and copy the source's into it. Raises Refused, Away."""
    source = service.tools.resources.find(service.offer.name, uuid.UUID(source_id))
    connections = service.plan_of(target).limits["connections"]
    service.sql(target).run(roles.empty(target.secrets, connections), wait=True)
    dump = ["pg_dump", "-h", SOCKET_DIR, "-U", "postgres", "-Fc", "-Z", "zstd:1",
            "--no-owner", "--no-privileges", source.secrets["database"]]  # fmt: skip
    restore = ["pg_restore", "-h", SOCKET_DIR, "-U", "postgres", "--exit-on-error", "--no-owner",
               "--no-privileges", f"--role={target.secrets['owner']}",
               "-d", target.secrets["database"]]  # fmt: skip
    instances = service.tools.instances
    try:
        dumped = instances.stream(source.id, dump, seconds=COPY_SECONDS)
        instances.run_with(target.id, restore, dumped, seconds=COPY_SECONDS)
    except Failed as error:
        raise Refused(
            f"{source.name} could not be copied: {error.stderr[-300:].strip()}"
        ) from error
