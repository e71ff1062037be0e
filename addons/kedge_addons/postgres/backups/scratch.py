"""A throw-away server: a backup is restored into it, looked at, and it is gone.

It has no network, no limits of a plan, and nothing it writes needs to last.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import docker.errors

from kedge_addons import execution
from kedge_addons.engine import Engine, translated
from kedge_addons.errors import Away, ProviderError
from kedge_addons.instance import DATA, HOME, KIND, USER
from kedge_addons.instances import Instances
from kedge_addons.postgres.backups import snapshot
from kedge_addons.postgres.server import SOCKET_DIR
from kedge_addons.postgres.sql import PSQL, WAITING

CHECK = "check"
TRANSFER = "kedge.transfer"
DATABASE = "restored"
MEMORY = "768m"
RESTORE_SECONDS = 12 * 3600.0
COUNT_SECONDS = 3600.0
# https://www.postgresql.org/docs/17/populate.html: what speeds up loading and costs durability.
SETTINGS = {
    "listen_addresses": "", "unix_socket_directories": SOCKET_DIR, "fsync": "off",
    "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_wal_size": "4GB", "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB", "autovacuum": "off", "jit": "off", "max_connections": "10",
    "log_min_messages": "fatal",
}  # fmt: skip
_BOOT = r"""set -eu
umask 077
if [ -d /usr/share/kedge/postgresql/17 ]; then
  cp -a --sparse=always /usr/share/kedge/postgresql/17 /data/pg
else  # an image made before it had a cluster ready
  initdb -D /data/pg -U postgres --encoding=UTF8 --locale-provider=builtin \
    --builtin-locale=C.UTF-8 --auth=reject --no-sync >/dev/null
fi
echo 'own addon postgres' > /data/pg/pg_ident.conf
echo 'local all postgres peer map=own' > /data/pg/pg_hba.conf
exec postgres -D /data/pg "$@"
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A throw-away server that runs."""

    engine: Engine
    name: str

    def wait(self, roles: Iterable[str]) -> None:
        """Wait until it is up; `roles` are those the policies of a dump may name. Raises Away."""
        made = "".join(f"CREATE ROLE {role} NOLOGIN;" for role in roles)
        self._psql(f"{made} CREATE DATABASE {DATABASE};", "postgres", wait=True)

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Restore a dump. Raises Failed, Away."""
        command = ["pg_restore", "-h", SOCKET_DIR, "-U", "postgres", "--exit-on-error",
                   "--no-owner", "--no-privileges", "-d", DATABASE]  # fmt: skip
        written = execution.stream(self.engine, self.name, command, pieces, seconds=RESTORE_SECONDS)
        for _ in written:  # it writes nothing; how it ended is known at the end
            pass

    def counts(self) -> dict[str, int]:
        """Rows by table of what was restored."""
        return snapshot.counts_of(self._psql(snapshot.COUNTS, DATABASE))

    def _psql(self, statements: str, database: str, *, wait: bool = False) -> str:
        command = [*PSQL, "-d", database]
        if wait:
            command = ["bash", "-c", WAITING, "bash", *command]
        given = statements.encode()
        return execution.run(self.engine, self.name, command, given, seconds=COUNT_SECONDS)


@contextmanager
def server(instances: Instances, image: str, transfer_id: uuid.UUID) -> Iterator[Scratch]:
    """A throw-away server for one transfer; it is gone with the block. Raises Away."""
    remove(instances, transfer_id)
    name = name_of(instances, transfer_id)
    try:
        with translated("make a throw-away server"):
            _start(instances.engine, image, name, transfer_id)
        yield Scratch(instances.engine, name)
    finally:
        # A failure to remove it must not hide why the block ended; the next attempt removes it.
        with suppress(ProviderError):
            remove(instances, transfer_id)


def remove(instances: Instances, transfer_id: uuid.UUID) -> None:
    """Remove the server of a transfer with its volume; one that is not there is fine."""
    with translated("remove a throw-away server"), suppress(docker.errors.NotFound):
        name = name_of(instances, transfer_id)
        instances.engine.api.remove_container(name, v=True, force=True)


def left_over(instances: Instances) -> set[uuid.UUID]:
    """The transfers whose throw-away server is there. Raises Away."""
    engine = instances.engine
    labels = [f"{HOME}={engine.installation}", f"{KIND}={CHECK}"]
    with translated("list throw-away servers"):
        found = engine.api.containers(all=True, filters={"label": labels})
    return {uuid.UUID(each["Labels"][TRANSFER]) for each in found}


def name_of(instances: Instances, transfer_id: uuid.UUID) -> str:
    """What the container is called."""
    return f"kedge-{instances.engine.installation}-check-{transfer_id}"


def _start(engine: Engine, image: str, name: str, transfer_id: uuid.UUID) -> None:
    labels = {HOME: engine.installation, KIND: CHECK, TRANSFER: str(transfer_id)}
    options = [f"-c{key}={value}" for key, value in SETTINGS.items()]
    try:
        made = engine.api.create_container(
            image, ["bash", "-c", _BOOT, "boot", *options], name=name, user=str(USER),
            labels=labels, volumes=[DATA], network_disabled=True, host_config=_host_config(engine),
        )  # fmt: skip
    except docker.errors.ImageNotFound:
        raise Away(f"The engine has no image {image}. Make it: kedge stack:build") from None
    engine.api.start(made["Id"])


def _host_config(engine: Engine) -> dict[str, Any]:
    return engine.api.create_host_config(
        init=True,
        network_mode="none",
        read_only=True,
        tmpfs={
            "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777",  # noqa: S108 - its own
            "/run": f"rw,noexec,nosuid,nodev,size=16m,mode=700,uid={USER},gid={USER}",
        },
        shm_size="256m",
        mem_limit=MEMORY,
        memswap_limit=MEMORY,
        pids_limit=256,
        cpu_shares=512,  # half of what others have: a check must not slow down what serves people
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
    )
