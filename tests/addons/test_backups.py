"""Backups of a real database: green only after a restore, red when anything of it fails."""

import hashlib
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest

from addons.side import wait_until
from kedge_addons.errors import ProviderError
from kedge_addons.postgres.backups import retention, scratch
from kedge_addons.postgres.backups.places import Places

POSTGRES = "heroku-postgresql"
NOW = datetime.now(UTC)
APP = "7b1f9a52-6f0f-4a0e-9d3a-0c8f2f6f0a11"
FILL = """
CREATE TABLE "Orders" (id bigint PRIMARY KEY, note text NOT NULL);
INSERT INTO "Orders" SELECT n, md5(n::text) FROM generate_series(1, 5000) n;
CREATE TABLE lines (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE lines_2026 PARTITION OF lines FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO lines SELECT n, '2026-03-04' FROM generate_series(1, 700) n;
CREATE SCHEMA shop; CREATE TABLE shop.empty (id int);
"""


@pytest.fixture(scope="module")
def made(providers):
    """A database with three tables that have 5,700 rows."""
    with providers.made(POSTGRES) as found:
        run(found, FILL)
        yield found


@pytest.fixture(scope="module")
def service(providers):
    return providers.lifecycle.services[POSTGRES]


def run(made, statements):
    """Statements as an app's role."""
    sql = made.side.lifecycle.services[POSTGRES].sql(made.resource)
    secret = made.resource.secrets
    return sql.run(f"SET ROLE {secret['owner']};{statements}", secret["database"], wait=True)


def ended(made, transfer):
    """A transfer once it has ended, with its log."""

    def look():
        told = made.ask("GET", f"/backups/{transfer['id']}")
        return told if told["finished_at"] else None

    return wait_until(look, 150)


def captured(made):
    return ended(made, made.ask("POST", "/backups", json={"group": APP}))


def messages(told):
    return [each["message"] for each in told["log"]]


@contextmanager
def locked(made, table):
    """While somebody holds a table for themselves alone."""
    sql = made.side.lifecycle.services[POSTGRES].sql(made.resource)
    database = made.resource.secrets["database"]
    name = "application_name = 'holder'"

    def hold():
        with suppress(ProviderError):
            sql.run(f"SET {name}; BEGIN; LOCK {table}; SELECT pg_sleep(30);", database)

    thread = threading.Thread(target=hold)
    thread.start()
    sleeps = f"SELECT pid FROM pg_stat_activity WHERE {name} AND wait_event = 'PgSleep';"
    wait_until(lambda: sql.run(sleeps), 20)
    yield
    sql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {name};")
    thread.join()


@pytest.fixture
def alerts(made):
    """What the platform is alerted of."""
    found, real = [], made.platform.answer

    def answer(method, path, body, token):
        if path.endswith("/alerts"):
            found.append(body)
        return real(method, path, body, token)

    made.platform.answer = answer
    yield found
    made.platform.answer = real


@pytest.fixture(scope="module")
def backup(made):
    """A backup of it."""
    return captured(made)


def test_a_backup_is_green_after_a_restore(made, backup, service):
    """It was restored into a throw-away server, which is gone; rows, times and digest are told."""
    assert backup["state"] == "verified", backup
    assert (backup["tables"], backup["rows"]) == (3, 5700)
    assert backup["restore_seconds"] > 0
    assert any("Verified" in each["message"] for each in backup["log"])
    file = made.side.settings.home / "backups" / f"{backup['id']}.dump"
    assert file.stat().st_size == backup["size_bytes"]
    assert file.stat().st_mode & 0o77 == 0
    assert scratch.left_over(service.tools.instances) == set()


def test_restoring_brings_back_what_there_was(made, backup):
    """What was done since is gone, the roles still sign in, and the limit of connections holds."""
    run(made, 'DELETE FROM "Orders"; CREATE TABLE later (id int);')
    body = {"group": APP, "backup": backup["id"]}
    told = ended(made, made.ask("POST", "/restores", json=body))
    assert (told["state"], told["from_name"]) == ("succeeded", "b001"), told
    assert run(made, "SELECT count(*), to_regclass('later') FROM \"Orders\"") == "5000|\n"
    assert made.ask("GET")["usage"]["connection_limit"] == 20
    names = run(made, "SELECT datname FROM pg_database WHERE datname ~ '_(next|old)$'")
    assert names == ""


def test_a_damaged_backup_changes_nothing_and_raises_an_alert(
    made, backup, service, providers, alerts
):
    """Its digest is wrong: the restore fails, the database serves on as it was, people are told."""
    file = providers.settings.home / "backups" / f"{backup['id']}.dump"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    told = ended(made, made.ask("POST", "/restores", json={"group": APP, "backup": backup["id"]}))
    file.write_bytes(content)
    assert told["state"] == "failed"
    assert run(made, 'SELECT count(*) FROM "Orders"') == "5000\n"
    service.backups.tick()
    assert any(f"Restore r{told['num']:03}" in each["message"] for each in alerts)


def test_an_upload_that_fails_is_red_with_an_alert(made, service, providers, alerts):
    """A bucket that is not there: the backup failed in words, the health says so, people know."""
    kept = service.backups.places
    service.backups.places = Places(providers.settings.home, "s3://k:s3cret@127.0.0.1:9/b?tls=no")
    try:
        told = captured(made)
    finally:
        service.backups.places = kept
    assert told["state"] == "failed"
    assert "s3cret" not in str(told)
    (problem,) = made.ask("GET")["health"]["problems"]
    assert f"b{told['num']:03}, failed" in problem
    service.backups.tick()
    assert any(f"b{told['num']:03}" in each["message"] for each in alerts)
    made.ask("DELETE", f"/backups/{told['id']}")
    assert made.ask("GET")["health"]["problems"] == []


def test_what_differs_when_restored_is_not_green(made, monkeypatch):
    """A restore with other numbers of rows: the backup failed, and names the table."""

    @contextmanager
    def lossy(*_):
        counts = {'public."Orders"': 4999, "public.lines_2026": 700, "shop.empty": 0}
        yield SimpleNamespace(wait=list, restore=list, counts=lambda: counts)

    monkeypatch.setattr(scratch, "server", lossy)
    told = captured(made)
    assert told["state"] == "failed"
    assert '"Orders" has 4999 rows when restored; there were 5000' in told["reason"]


KILLED = """
import sys
from pathlib import Path
from kedge_addons import catalogue, keys
from kedge_addons.settings import Settings
home, installation, url, resource_id = sys.argv[1:]
settings = Settings(home=Path(home), installation=installation, database_url=url)
tools = catalogue.tools(settings, keys.load(settings.home))
service = catalogue.services(tools)["heroku-postgresql"]
with service.tools.database.claim(f"transfers of {resource_id}") as claim:
    print("claimed", flush=True)
    service.backups.runner._transfer(claim, sys.stdin.readline().strip())
"""


def test_killed_in_a_capture_it_is_taken_up_again(made, service, providers, addons_database):
    """The attempt of a process that was killed failed, in words; another one makes the backup."""
    settings = providers.settings
    arguments = [str(settings.home), settings.installation, addons_database, str(made.id)]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"claimed\n"
    with locked(made, '"Orders"'):
        made_row = made.ask("POST", "/backups", json={"group": APP})
        process.stdin.write(made_row["id"].encode() + b"\n")
        process.stdin.flush()
        wait_until(lambda: made.ask("GET", f"/backups/{made_row['id']}")["source_bytes"], 20)
        process.kill()
        process.communicate()
    told = ended(made, made_row)
    assert (told["state"], told["attempts"]) == ("verified", 2), told
    assert "Attempt 1 failed: the process at it was ended." in messages(told)


def test_a_canceled_one_ends_though_it_waits(made):
    """It waits for a table's lock: canceled, it ends at once, and nothing is kept of it."""
    with locked(made, '"Orders"'):
        asked = made.ask("POST", "/backups", json={"group": APP})
        wait_until(lambda: made.ask("GET", f"/backups/{asked['id']}")["source_bytes"], 20)
        made.ask("POST", f"/backups/{asked['id']}/cancel")
        assert ended(made, asked)["state"] == "canceled"
    again = made.side.ask(POSTGRES, "POST", f"{made.id}/backups/{asked['id']}/cancel")
    assert again.status_code == 422


def test_downloaded_by_a_signed_address_alone(made, backup, providers):
    """The address gives the file to anybody; one that is altered gives nothing."""
    path = made.ask("POST", f"/backups/{backup['id']}/link")["path"]
    got = httpx.get(providers.url + path, trust_env=False)
    assert len(got.content) == backup["size_bytes"]
    assert hashlib.sha256(got.content).hexdigest() == backup["sha256"]
    assert got.headers["Content-Disposition"].endswith("-b001.dump")
    assert httpx.get(providers.url + path[:-2] + "xx", trust_env=False).status_code == 403


def test_schedules_queue_one_backup_when_due(made, service):
    """After three days away one backup is made, not three, and the next is tomorrow's."""
    body = {"group": APP, "name": "DATABASE_URL", "hour": 2, "timezone": "Europe/Zurich"}
    told = made.ask("POST", "/schedules", json=body)
    assert made.ask("POST", "/schedules", json=body | {"hour": 3})["id"] == told["id"]
    with service.tools.database.claim("tick", seconds=10):
        later = datetime.now(UTC) + timedelta(days=3)
        assert service.backups.schedules.queue_due(service.backups.transfers, later) == 1
        assert service.backups.schedules.queue_due(service.backups.transfers, later) == 0
    (row,) = (each for each in made.ask("GET", "/backups") if each["is_scheduled"])
    made.ask("POST", f"/backups/{row['id']}/cancel")
    assert made.ask("GET", "/schedules")[0]["last_state"] in {"canceled", "running", "verifying"}
    wrong = made.side.ask(POSTGRES, "POST", f"{made.id}/schedules", json=body | {"timezone": "X/Y"})
    assert wrong.status_code == 422
    made.ask("DELETE", f"/schedules/{told['id']}")
    assert made.ask("GET", "/schedules") == []
    ended(made, row)


def test_one_database_copied_over_another(made, providers):
    """Rows are compared before it takes the place; the source serves on."""
    with providers.made(POSTGRES) as other:
        body = {"group": APP, "from": str(made.id)}
        told = ended(other, other.ask("POST", "/copies", json=body))
        assert (told["state"], told["rows"]) == ("succeeded", 5700), told
        assert run(other, 'SELECT count(*) FROM "Orders"') == "5000\n"
        onto_itself = other.side.ask(
            POSTGRES, "POST", f"{other.id}/copies", json=body | {"from": str(other.id)}
        )
        assert onto_itself.status_code == 422


def test_no_reset_while_a_transfer_goes_on(made):
    """Both would be at the same database: the reset is refused with the transfer's name."""
    with locked(made, '"Orders"'):
        asked = made.ask("POST", "/backups", json={"group": APP})
        refused = made.side.ask(POSTGRES, "POST", f"{made.id}/reset")
        assert refused.status_code == 409
        assert f"b{asked['num']:03}" in refused.json()["message"]
        made.ask("POST", f"/backups/{asked['id']}/cancel")
        ended(made, asked)


def test_connections_are_ended(made):
    """All of them, and none of the provider's own."""
    with locked(made, '"Orders"'):
        assert made.ask("POST", "/connections/end", json={"force": True}) == {"ended": 1}


def test_one_that_is_gone_from_its_place_turns_red(made, backup, service, providers, alerts):
    """The daily look finds that its file is missing: it failed, and people are told."""
    (providers.settings.home / "backups" / f"{backup['id']}.dump").unlink()
    assert retention.is_due_for_check(service.backups.transfers.find(backup["id"]), NOW)
    service.backups.clean()
    assert made.ask("GET", f"/backups/{backup['id']}")["state"] == "failed"
    service.backups.tick()
    assert any("is gone" in each["message"] for each in alerts)


def test_deleted_its_number_is_no_other_ones(made, service, backup):
    """It is listed no more, its file goes, and the next backup has another number."""
    newest = made.ask("GET", "/backups")[0]
    made.ask("DELETE", f"/backups/{newest['id']}")
    service.backups.tick()
    assert newest["id"] not in [each["id"] for each in made.ask("GET", "/backups")]
    asked = made.ask("POST", "/backups", json={"group": APP})
    made.ask("POST", f"/backups/{asked['id']}/cancel")
    assert asked["num"] > newest["num"]
    ended(made, asked)
