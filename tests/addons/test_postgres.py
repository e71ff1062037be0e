"""heroku-postgresql on a real engine: who gets in, what plans hold, what becomes of the data."""

import json
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from addons.side import wait_until
from kedge_addons.errors import Away, Refused
from kedge_addons.postgres import copying, disk
from kedge_addons.postgres.offer import OFFER

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def shared(providers):
    """One database for the tests that leave it as they found it."""
    with providers.made("heroku-postgresql", "essential-0") as made:
        yield made


@contextmanager
def session(made, url=None, **more):
    """A session as an app has one: by the URL and over TLS; dynos resolve the name themselves."""
    parts = urlsplit(url or made.config["HEROKU_POSTGRESQL_URL"])
    assert parts.hostname == made.name
    given = {"user": parts.username, "password": parts.password, "dbname": parts.path[1:]}
    place = {"host": made.name, "hostaddr": address(made), "port": parts.port}
    options = {"sslmode": "require", "connect_timeout": 10, "autocommit": True}
    with psycopg.connect(**(given | place | options | more)) as connection:
        yield connection


def address(made):
    network = made.side.tools.instances.network
    made.container.reload()
    return made.container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]


def plan(name):
    return next(each for each in OFFER.plans if each.name == name)


# --- who gets in --------------------------------------------------------------------------------


def test_sessions_are_encrypted_and_the_server_proves_itself(shared, tmp_path):
    """TLS 1.2 or newer, with a certificate of the add-on's name that `verify-full` accepts."""
    proof = tmp_path / "server.crt"
    proof.write_text(shared.side.tools.instances.run(shared.id, ["cat", "/data/server.crt"]))
    with session(shared, sslmode="verify-full", sslrootcert=str(proof)) as connection:
        asked = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        is_encrypted, version = connection.execute(asked).fetchone()
    assert is_encrypted
    assert version >= "TLSv1.2"


def test_an_app_owns_its_database_and_nothing_besides(shared):
    """Extensions it may have; programs, files and other databases of the server it may not."""
    with session(shared) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")
        connection.execute(
            "CREATE SCHEMA own; CREATE TABLE own.notes (body text); DROP SCHEMA own CASCADE"
        )
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/data/server.key')",
            "CREATE ROLE another SUPERUSER",
            "ALTER SYSTEM SET fsync = off",
            "CREATE DATABASE another",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    for database in ("postgres", "template1"):
        with (
            pytest.raises(psycopg.OperationalError, match="permission denied"),
            session(shared, dbname=database),
        ):
            pass


def test_the_superuser_and_wrong_passwords_stay_outside(shared):
    """The provider's own account has no way in by network, and nobody gets in by guessing."""
    for wrong in ({"user": "postgres"}, {"password": "guessed"}, {"user": "nobody"}):
        with pytest.raises(psycopg.OperationalError), session(shared, **wrong):
            pass


def test_no_secret_is_where_others_can_read_it(shared):
    """The engine's record of the container, its log and its processes hold no password."""
    secret = shared.resource.secrets["password"]
    assert secret not in json.dumps(shared.container.attrs)
    assert secret not in json.dumps(shared.container.top())
    assert secret not in shared.container.logs().decode()
    assert secret not in repr(shared.resource)


# --- what a plan holds --------------------------------------------------------------------------


def test_a_plan_has_so_many_connections_and_no_more(shared):
    """The next one is refused in words, and the provider still sees and says what is wrong."""
    limit = plan("essential-0").limits["connections"]
    with session(shared) as connection:  # it is the server that holds the limit, not this
        connection.execute(f"ALTER DATABASE {connection.info.dbname} CONNECTION LIMIT 1000")
    held = ExitStack()
    for _ in range(limit):
        held.enter_context(session(shared))
    with (
        pytest.raises(psycopg.OperationalError, match="connection slots are reserved"),
        session(shared),
    ):
        pass
    seen = shared.ask("GET")
    assert seen["usage"]["connections"] == seen["usage"]["connection_limit"] == limit
    assert seen["health"]["problems"] == ["All connections of the plan are in use."]
    assert len(shared.ask("GET", "/connections")["connections"]) == limit
    held.close()
    wait_until(lambda: shared.ask("GET")["usage"]["connections"] == 0)


def test_a_plan_has_so_much_memory_and_no_more(shared):
    """What takes more is ended by the kernel; the others of the server go on."""
    memory_mb = plan("essential-0").limits["memory_mb"]
    take = f"print(len(bytearray({memory_mb + 64} << 20)))"
    with session(shared) as connection:
        assert shared.container.exec_run(["python3", "-c", take]).exit_code == 137
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert shared.container.attrs["HostConfig"]["MemorySwap"] == memory_mb << 20


def test_a_database_over_its_plan_is_read_only_until_it_is_smaller(shared, providers, monkeypatch):
    """Writes are refused and the reason is shown; who deletes may write again."""
    postgres = providers.lifecycle.services["heroku-postgresql"]
    monkeypatch.setitem(plan("essential-0").limits, "disk_mb", 10)
    with session(shared) as connection:
        connection.execute(
            "CREATE TABLE heap AS SELECT repeat('x', 900) FROM generate_series(1, 9000)"
        )
    look_at_disks(postgres)
    with session(shared) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE more (n int)")
    seen = shared.ask("GET")
    assert seen["health"]["is_read_only"]
    assert "read-only until it is smaller" in seen["health"]["problems"][0]
    with session(shared) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("DROP TABLE heap")
    look_at_disks(postgres)
    with session(shared) as connection:
        connection.execute("CREATE TABLE more (n int); DROP TABLE more")
    assert not shared.ask("GET")["health"]["is_read_only"]


def look_at_disks(postgres):
    for turn in range(disk.TURNS):
        disk.look_at_some(postgres, turn)


def test_plans_change_where_the_data_fit(shared, monkeypatch):
    """More connections and memory, the data as they were; too small a plan is refused in words."""
    with session(shared) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert shared.partner("PUT", json={"plan": "essential-2"}).status_code == 200
    with session(shared) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    seen = shared.ask("GET")
    assert (seen["plan"], seen["usage"]["connection_limit"]) == ("essential-2", 40)
    assert shared.container.attrs["HostConfig"]["Memory"] == 1024 << 20
    monkeypatch.setitem(plan("essential-0").limits, "disk_mb", 5)
    refused = shared.partner("PUT", json={"plan": "essential-0"})
    assert refused.status_code == 422
    assert "Essential 0 holds 5 MB, and there are 7 MB" in refused.json()["message"]
    assert shared.ask("GET")["plan"] == "essential-2"
    monkeypatch.undo()
    assert shared.partner("PUT", json={"plan": "essential-0"}).status_code == 200


# --- credentials --------------------------------------------------------------------------------


def test_credentials_change_without_a_failed_request(shared):
    """Old ones go on until apps have the new ones, then end with their sessions."""
    before = shared.config["HEROKU_POSTGRESQL_URL"]
    with session(shared) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS n")
    with asking(shared) as failed, session(shared, before) as old:
        shared.ask("POST", "/credentials/rotate")
        after = shared.told()["HEROKU_POSTGRESQL_URL"]
        assert after != before
        assert old.execute("SELECT n FROM mine").fetchone() == (1,)
        assert signs_in(shared, before)
        shared.end_grace()
        wait_until(lambda: not signs_in(shared, before))
        wait_until(lambda: is_ended(old))
    assert failed == []
    with session(shared, after) as connection:
        connection.execute("ALTER TABLE mine ADD more int; DROP TABLE mine")


@contextmanager
def asking(made):
    """An app that asks all the time by the URL its newest release has; what failed."""
    failed, stopping = [], threading.Event()

    def ask():
        while not stopping.is_set():
            told = made.platform.config.get(str(made.id)) or made.config
            try:
                with session(made, told["HEROKU_POSTGRESQL_URL"]) as connection:
                    connection.execute("SELECT 1")
            except psycopg.Error as error:
                failed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failed
    finally:
        stopping.set()
        thread.join()


def signs_in(made, url):
    with suppress(psycopg.OperationalError), session(made, url):
        return True
    return False


def is_ended(connection):
    with suppress(psycopg.OperationalError):
        connection.execute("SELECT 1")
        return False
    return True


def test_leaked_credentials_end_at_once(shared):
    """With `force` nobody gets in by the old ones any more, whatever becomes of requests."""
    before = shared.config["HEROKU_POSTGRESQL_URL"]
    shared.ask("POST", "/credentials/rotate", json={"force": True})
    wait_until(lambda: not signs_in(shared, before))
    assert signs_in(shared, shared.config["HEROKU_POSTGRESQL_URL"])


# --- what people ask of it ----------------------------------------------------------------------


def test_slow_queries_are_counted_and_forgotten(shared):
    """Statements that took longest come first, without their values."""
    with session(shared) as connection:
        connection.execute("SELECT pg_sleep(0.2), 'a value'")
    queries = shared.ask("GET", "/slow-queries")["queries"]
    times = [each["total_ms"] for each in queries]
    assert times == sorted(times, reverse=True)
    slow = next(each for each in queries if each["query"] == "SELECT pg_sleep($1), $2")
    assert slow["mean_ms"] >= 200
    shared.ask("DELETE", "/slow-queries")
    assert all(
        "pg_sleep" not in each["query"] for each in shared.ask("GET", "/slow-queries")["queries"]
    )


def test_a_fork_has_the_data_and_other_credentials(shared, providers):
    """Who has the URL of a database may have a copy of it; a reset leaves nothing in it."""
    with session(shared) as connection:
        connection.execute("CREATE TABLE forked AS SELECT 42 AS n")
    url = shared.config["HEROKU_POSTGRESQL_URL"]
    with providers.made("heroku-postgresql", fork=url) as fork, session(fork) as connection:
        assert connection.execute("SELECT n FROM forked").fetchone() == (42,)
        connection.execute("DROP TABLE forked")
        assert fork.config["HEROKU_POSTGRESQL_URL"] != url
    shared.ask("POST", "/reset")
    with session(shared) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT n FROM forked")


def test_what_cannot_be_copied_is_said(shared):
    """A source that is gone ends the making; where others are being copied, it waits its turn."""
    service = shared.side.lifecycle.services[shared.service]
    with pytest.raises(Refused, match="nothing to copy any more"):
        copying.into(service, shared.resource, "00000000-0000-4000-8000-000000000000")
    places = [copying._PLACES.acquire(), copying._PLACES.acquire()]
    with pytest.raises(Away, match="waits its turn"):
        copying.into(service, shared.resource, str(shared.id))
    for _ in places:
        copying._PLACES.release()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fork": "postgres://a:b@c:5432/d"}, "the URL of another heroku-postgresql"),
        ({"version": "12"}, "PostgreSQL 17"),
        ({"size": "large"}, "no option called size"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(shared, options, words):
    """Nothing is made, and whoever asked is told why."""
    asked = {
        "uuid": "7b5e5f6e-51d8-4a7f-8d09-3e1c4a5b6c7d",
        "plan": "essential-0",
        "options": options,
    }
    refused = shared.side.subject("heroku-postgresql").ask("POST", json=asked)
    assert refused.status_code == 422
    assert words in refused.json()["message"]


# --- what becomes of the data -------------------------------------------------------------------


def test_a_server_that_was_ended_is_seen_and_brought_back(shared):
    """Killed or removed, it is told as it is, and comes back with all that was committed."""
    with session(shared) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 3 AS n")
    for end in (lambda each: each.kill(), lambda each: each.remove(force=True)):
        end(shared.container)
        seen = shared.ask("GET")
        assert seen["state"] in {"stopped", "missing", "starting"}
        assert seen["health"]["problems"]
        wait_until(lambda: shared.ask("GET")["state"] == "running")
        with session(shared) as connection:
            assert connection.execute("SELECT n FROM committed").fetchone() == (3,)


def test_what_was_destroyed_rests_and_can_be_brought_back(shared):
    """Its server goes, its volume stays; restored, the same URL leads to the same rows."""
    url, container = shared.config["HEROKU_POSTGRESQL_URL"], shared.container
    with session(shared) as connection:
        connection.execute("CREATE TABLE rested AS SELECT 9 AS n")
    assert shared.partner("DELETE").status_code == 200
    wait_until(lambda: shared.ask("GET")["state"] == "resting")
    assert container.client.containers.list(all=True, filters={"id": container.id}) == []
    assert volume(shared).attrs["Labels"]["kedge.keep"] == "data"
    assert shared.resource.rests_until > shared.resource.created_at + timedelta(days=6)
    assert shared.partner("DELETE").status_code == 410
    assert shared.partner("POST", "/actions/restore").status_code == 201
    with session(shared, url) as connection:
        assert connection.execute("SELECT n FROM rested").fetchone() == (9,)


def test_after_its_rest_all_of_it_is_gone(short_rest):
    """The volume is removed, and who wants it back is told that it is too late."""
    with short_rest.made("heroku-postgresql") as made:
        kept = volume(made)
        made.partner("DELETE")
        wait_until(lambda: made.resource.state == "removed")
        assert kept.name not in {each.name for each in kept.client.volumes.list()}
        late = made.partner("POST", "/actions/restore")
        assert late.status_code == 410
        assert "has been removed" in late.json()["message"]
        assert not made.resource.secrets


def test_a_volume_that_somebody_removed_is_told(providers):
    """No empty server takes its place and hides it; destroyed, it is nobody's trouble any more."""
    with providers.made("heroku-postgresql") as made:
        kept = volume(made)
        with providers.lifecycle.changing(providers.lifecycle.services[made.service], made.id):
            made.container.remove(force=True)
            kept.remove()
        wait_until(lambda: providers.tools.resources.get(made.id).message.startswith("The volume"))
        seen = made.ask("GET")
        assert seen["state"] == "missing"
        assert "with it all that was in it" in seen["health"]["problems"][0]
        assert kept.name not in {each.name for each in kept.client.volumes.list()}
        made.partner("DELETE")
        wait_until(lambda: made.ask("GET")["state"] == "resting")


def volume(made):
    import docker

    return docker.from_env().volumes.get(made.side.tools.instances.name(made.id))
