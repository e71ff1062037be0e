"""Backups: a database of 1 GB captured, restored and verified, beside a bare pg_dump | pg_restore.

Bare is the same two programs with a pipe between them, from the same server into one that is thrown
away, with the same compression and nothing of Kedge around it: what comes out is kept nowhere and
is not looked at. Kedge's writes the dump to the disk first, brings it there, reads it back, and
counts the rows of both. Both are taken in turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

import docker
from measured import median, platform, table

from kedge_addons.postgres.backups.scratch import SETTINGS
from system.installation import Installation

ROUNDS = 3
PLAN = "heroku-postgresql:essential-1"
IMAGE = "kedge/addons:kedge-13"
GIGABYTE = 2**30
LIMIT_SECONDS = 1800.0
ROWS = 5_900_000
FILL = f"""
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, placed_at timestamptz NOT NULL,
  note text NOT NULL, total numeric(10, 2) NOT NULL);
INSERT INTO orders SELECT n, n % 50000, '2026-01-01'::timestamptz + n * interval '7 seconds',
  md5(n::text) || md5((n * 7)::text) || md5((n * 13)::text), (n % 100000) / 100.0
  FROM generate_series(1, {ROWS}) n;
CREATE INDEX ON orders (customer);
"""
PSQL = ("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", "/run", "-U", "postgres")
BARE = """
set -e
cp -a /usr/share/kedge/postgresql/17 /data/pg
printf 'local all all trust\\n' > /data/pg/pg_hba.conf
exec postgres -D /data/pg "$@"
"""
COPY = """
set -eo pipefail
pg_dump -h 127.0.0.1 -Fc -Z zstd:1 | pg_restore -h /run -U postgres -O -x -d restored
"""


def main() -> None:
    """Measure in turns and print."""
    with platform() as made:
        addon, container = database_of(made)
        size = filled(container)
        url = url_of(made, addon)
        pairs = [(bare_seconds(container, url), captured(made, addon)) for _ in range(ROUNDS)]
        bare = [pair[0] for pair in pairs]
        whole, dump, restore, kept = (median([pair[1][n] for pair in pairs]) for n in range(4))
    rows = [
        ("bare pg_dump | pg_restore", told(median(bare)), rate(size, median(bare)), "1.0x"),
        ("dumped, kept on disk", told(dump), rate(size, dump), ""),
        ("restored to prove it", told(restore), rate(size, restore), ""),
        ("asked to verified", told(whole), rate(size, whole), f"{whole / median(bare):.1f}x"),
    ]
    title = (
        f"A database of {size / GIGABYTE:.2f} GB, {ROWS:,} rows, {kept / 2**20:.0f} MB as a "
        f"backup; medians of {ROUNDS}"
    )
    table(title, ("step", "time", "rate", "ratio"), rows)


def database_of(made: Installation) -> tuple[str, docker.models.containers.Container]:
    """A new app's database: the add-on's id, and its container."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    made.api("POST", "/apps", {"name": name})
    addon = made.api("POST", f"/apps/{name}/addons", {"plan": PLAN}).json()["id"]
    wait(lambda: made.api("GET", f"/addons/{addon}").json()["state"] == "provisioned")
    filters = {"label": f"kedge.addon={addon}"}
    return addon, docker.from_env().containers.list(filters=filters)[0]


def filled(container: docker.models.containers.Container) -> int:
    """How large the database is once it holds its rows."""
    owner = f"o{database(container)[1:]}"
    run(container, f"SET ROLE {owner}; {FILL}", database(container))
    for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
        run(container, statement, database(container))
    return int(run(container, f"SELECT pg_database_size('{database(container)}')"))


def captured(made: Installation, addon: str) -> tuple[float, float, float, float]:
    """Seconds from asking to verified, of the dump, of the restore; and the backup's size."""
    began = time.monotonic()
    asked = made.api("POST", f"/client/v11/databases/{addon}/backups", {}).json()
    app = made.api("GET", f"/addons/{addon}").json()["app"]["name"]
    path = f"/client/v11/apps/{app}/transfers/{asked['num']}"
    wait(lambda: made.api("GET", path).json()["finished_at"])
    whole = time.monotonic() - began
    told_ = made.api("GET", path).json()["kedge"]
    if told_["state"] != "verified" or told_["rows"] != ROWS:
        raise SystemExit(f"the backup is {told_['state']}: {told_['reason']}")
    return whole, told_["dump_seconds"], told_["restore_seconds"], told_["size_bytes"]


def url_of(made: Installation, addon: str) -> SplitResult:
    """The database as its app knows it."""
    app = made.api("GET", f"/addons/{addon}").json()["app"]["name"]
    return urlsplit(made.api("GET", f"/apps/{app}/config-vars").json()["DATABASE_URL"])


def bare_seconds(source: docker.models.containers.Container, url: SplitResult) -> float:
    """Seconds of a pipe from the database into a server that runs already."""
    variables = {"PGUSER": url.username, "PGPASSWORD": url.password, "PGDATABASE": url.path[1:]}
    with throw_away(source) as target:
        began = time.monotonic()
        status, said = target.exec_run(["bash", "-c", COPY], environment=variables)
        if status != 0:
            raise SystemExit(said.decode())
        return time.monotonic() - began


@contextmanager
def throw_away(
    source: docker.models.containers.Container,
) -> Iterator[docker.models.containers.Container]:
    """A server with an empty database, set up as Kedge's own, which reaches the source's."""
    options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    made = docker.from_env().containers.run(
        IMAGE, ["bash", "-c", BARE, "boot", *options], user="1000", init=True, detach=True,
        network_mode=f"container:{source.id}", tmpfs={"/run": "mode=700,uid=1000,gid=1000"},
        volumes=["/data"], shm_size="256m", mem_limit="768m",
    )  # fmt: skip
    try:
        wait(lambda: made.exec_run([*PSQL, "-c", "CREATE DATABASE restored"]).exit_code == 0)
        yield made
    finally:
        made.remove(force=True, v=True)


def database(container: docker.models.containers.Container) -> str:
    """The app's database in its server."""
    return run(container, "SELECT datname FROM pg_database WHERE datname ~ '^d[0-9a-f]+$'")


def run(
    container: docker.models.containers.Container, statements: str, database: str = "postgres"
) -> str:
    """What psql writes, as the superuser inside the server."""
    status, written = container.exec_run([*PSQL, "-d", database, "-c", statements])
    if status != 0:
        raise SystemExit(written.decode())
    return written.decode().strip()


def wait(is_so: object) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {LIMIT_SECONDS:.0f} s in vain")
        time.sleep(0.1)


def told(number: float) -> str:
    return f"{number:.1f} s"


def rate(size: int, number: float) -> str:
    return f"{size / 2**20 / number:.0f} MB/s"


if __name__ == "__main__":
    main()
