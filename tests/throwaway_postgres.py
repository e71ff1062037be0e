"""A private PostgreSQL cluster that lives as long as a test session.

It speaks over a unix socket alone, keeps nothing safe (`fsync=off`), and as root runs as Debian's
unprivileged `postgres` account, since the server refuses root.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

import memory
from kedge.db import migrate

ACCOUNT = "postgres"
TEMPLATE = "template_of_tests"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "jit": "off",
    "timezone": "UTC",
}


# Deleted rows stay in their files while nobody vacuums; past so many the files are cut.
ROWS_BEFORE_A_CUT = 2000
DIGEST = """
select md5(string_agg(what, ' ' order by what)) from (
  select concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull, atthasdef) as what
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and not attisdropped
  union all select concat_ws(' ', conname, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace = 'public'::regnamespace
  union all select concat_ws(' ', tgname, tgrelid::regclass, tgenabled) from pg_trigger
  union all select concat_ws(' ', proname, md5(prosrc)) from pg_proc
    where pronamespace = 'public'::regnamespace
  union all select nspname from pg_namespace where nspname !~ '^pg_'
) as named
"""
TABLES = """
select coalesce(array_agg(quote_ident(tablename)), '{}') from pg_tables
where schemaname = 'public' and tablename <> 'alembic_version'
"""


class Cluster:
    """One cluster. Databases are made from a migrated template, and dropped or emptied after use.

    To copy the template is 500 files; to empty what a test wrote is one statement of 10 ms.
    """

    def __init__(self):
        # A short folder: a unix socket's path takes at most 107 bytes.
        self.folder = memory.folder("kpg-")
        self._server = None
        # While a test runs, the next database is made: one statement at a time, in a thread.
        self._ahead = ThreadPoolExecutor(1)
        self._next = None
        self._emptied = []
        self._form = None
        self._deleted = {}

    def start(self):
        """Make the cluster and wait until it answers."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam(ACCOUNT)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "kedge", "--auth=trust", "--no-locale", "--no-sync",
                  "--encoding=UTF8")  # fmt: skip
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [programs() / "postgres", "-D", data, f"-k{self.folder}", *options]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(_as_account(command), stdout=log, stderr=log, cwd="/")
        self._wait()
        return self

    def stop(self):
        """End the server and forget everything."""
        self._ahead.shutdown(cancel_futures=True)
        if self._server:
            self._server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(timeout=10)
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        """The server's process, once nothing is being made ahead."""
        if self._next is not None:
            self._next.result()
        return self._server.pid

    def url(self, name):
        """Where a database of this cluster is reached."""
        return f"postgresql://kedge@/{name}?host={self.folder}"

    def create(self):
        """The name of a new database in its newest form, without any rows."""
        if self._next is None:
            self._make_template()
            self._next = self._ahead.submit(self._copy)
        name = self._next.result()
        self._next = self._ahead.submit(self._copy)
        return name

    def drop(self, name):
        """Forget a database, whoever is still connected."""
        self._ahead.submit(self._say, f"drop database if exists {name} with (force)")

    def take(self):
        """The name of a database without any rows, which may have been used before."""
        return self._emptied.pop() if self._emptied else self.create()

    def give_back(self, name):
        """Empty a database for the next test, or drop it when its tables are no longer the same."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            others = "datname = current_database() and pid <> pg_backend_pid()"
            connection.execute(
                f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where {others}"
            )
            form = connection.execute(DIGEST).fetchone()[0]
            self._form = self._form or self._form_of_template()
            if form == self._form:
                self._empty(connection, name)
                self._emptied.append(name)
        if form != self._form:
            self.drop(name)

    def _form_of_template(self):
        name = self.create()
        with psycopg.connect(self.url(name)) as connection:
            form = connection.execute(DIGEST).fetchone()[0]
        self.drop(name)
        return form

    def _empty(self, connection, name):
        (tables,) = connection.execute(TABLES).fetchone()
        connection.execute("set session_replication_role = replica")  # without triggers
        rows = self._deleted.get(name, 0)
        rows += sum(connection.execute(f"delete from {table}").rowcount for table in tables)
        if rows > ROWS_BEFORE_A_CUT:
            connection.execute(f"truncate {', '.join(tables)}")
        self._deleted[name] = rows if rows <= ROWS_BEFORE_A_CUT else 0
        connection.execute(
            "select setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
            " from pg_sequences"
        )

    def _copy(self):
        name = f"t{uuid.uuid4().hex[:12]}"
        self._say(f"create database {name} template {TEMPLATE} strategy file_copy")
        return name

    def _make_template(self):
        self._say(f"create database {TEMPLATE}")
        migrate(self.url(TEMPLATE))

    def _say(self, statement):
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                self._say("select 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def _run(self, program, *arguments):
        command = _as_account([programs() / program, *arguments])
        subprocess.run(command, check=True, capture_output=True, cwd="/")


def programs():
    """The folder of PostgreSQL's programs; Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    on_path = shutil.which("initdb")
    if not found and on_path:
        return Path(on_path).parent
    return found[-1]


def _as_account(command):
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--", *words]
