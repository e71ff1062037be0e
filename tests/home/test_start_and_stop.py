"""Starting and stopping, with real servers."""

from __future__ import annotations

import signal
import subprocess
import time

import psycopg
import pytest

from kedge.home import postgres

pytestmark = pytest.mark.postgres


def test_a_signal_stops_every_part(home):
    """SIGTERM ends `kedge up` with 0, within 15 seconds, with nothing left running."""
    words, environment = home.command("up")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("Kedge is ready") for line in lines), home.logs()
        began = time.monotonic()
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert time.monotonic() - began < 15
    assert home.left() == []


def test_a_signal_before_ready_ends_the_start(home):
    """A start that is told to stop while it waits for a part stops, and leaves nothing running."""
    home.processes(web="sleep 1000")
    words, environment = home.command("up")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        assert any("Starting web" in line for line in lines), home.logs()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
    assert home.left() == []


def test_down_and_up_keep_what_must_survive(home):
    """Key, certificate authority and the database are the same after down and up."""
    home.processes(worker=home.WORKER)
    home.up()
    server = postgres.private_url(home.installation).replace("/kedge?", "/postgres?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    files = [home.folder / name for name in ("installation", "secret.key", "ca.pem")]
    before = [file.read_text() for file in files]
    home.down()
    assert home.left() == []
    home.up()
    assert [file.read_text() for file in files] == before
    with psycopg.connect(server) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_failing_release_refuses_the_start(home):
    """The Procfile's release runs once the servers answer; its own words say why it failed."""
    home.processes(release="sh -c 'echo the schema is newer; exit 3'", worker=home.WORKER)
    done = home.run("up", "--detach")
    assert done.returncode == 1
    assert "the schema is newer" in done.stdout
    assert home.left() == []


def test_a_part_that_cannot_start_refuses_the_start(home):
    """The part, its last lines and its log are named, and nothing is left running."""
    home.processes(worker="sh -c 'echo no such queue; exit 1'")
    done = home.run("up", "--detach")
    assert done.returncode == 1
    assert "worker does not start" in done.stdout
    assert "no such queue" in done.stdout
    assert "worker.log" in done.stdout
    assert home.left() == []


def test_status_and_down_before_the_first_start(home):
    """In a home nothing was ever started in, every part is down, and `down` has nothing to do."""
    assert home.run("status").returncode == 1
    assert {part["state"] for part in home.status()["parts"]} == {"down"}
    assert home.run("down").returncode == 0
    assert not home.folder.exists()
