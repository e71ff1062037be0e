"""Procfile, supervisor configuration and variables: what parts are started with."""

from __future__ import annotations

import configparser
import tempfile
from pathlib import Path

import pytest

from kedge.home import environment, installation, parts, probes, procfile, supervision
from kedge.settings import load

PROCFILE = """
# a comment
release: python -m release
web: gunicorn --bind unix:$KEDGE_RUN_DIR/web.sock app
worker-2: run 'a; b' # 100%
router: python -m kedge_router agent
dynos: python -m kedge.loops
not a process
"""


@pytest.fixture
def installed():
    """An installation with a short path (its sockets are in it), but an awkward one."""
    with tempfile.TemporaryDirectory(prefix="kedge-") as top:
        home = Path(top) / "50% home"
        (home / "run").mkdir(parents=True)
        settings = load({"KEDGE_HOME": str(home), "KEDGE_HTTP_PORT": "80"})
        yield installation.Installation(settings, "0123456789ab")


def test_the_procfile_is_read_as_heroku_reads_it():
    """`name: command` lines are processes; comments and other lines are passed over."""
    found = procfile.parse(PROCFILE)
    assert list(found) == ["release", "web", "worker-2", "router", "dynos"]
    assert found["worker-2"] == "run 'a; b' # 100%"


def test_servers_come_with_the_processes_that_need_them(installed):
    """The router brings HAProxy, dynos bring the engine, and the release is no part."""
    names = [part.name for part in parts.of(installed, procfile.parse(PROCFILE))]
    expected = ["postgres", "redis", "docker", "haproxy", "web", "worker-2", "router", "dynos"]
    assert names == expected


def test_servers_that_are_given_are_not_started(installed):
    """With DATABASE_URL and REDIS_URL there is nothing of ours to run for them."""
    given = {"DATABASE_URL": "postgres://db/x", "REDIS_URL": "redis://r", "KEDGE_HOME": "/x"}
    found = parts.of(installation.Installation(load(given), "0" * 12), {})
    assert [part.command for part in found] == [None, None]


def test_commands_reach_the_shell_unaltered(installed):
    """Quotes, `;`, `#` and `%` in a command or a path mean nothing to the supervisor's file."""
    found = parts.of(installed, {"worker": "run 'a; b' \"c\" # 100%"})
    path = supervision.write(installed, found, "made-by")
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read(path)
    command = parser["program:worker"]["command"]
    script = supervision.script(installed, "worker")
    assert command == f"/bin/sh '{script}'".replace("%", "%%")
    assert script.read_text().splitlines()[-1] == "exec run 'a; b' \"c\" # 100%"
    assert parser["group:platform"]["programs"] == "worker"


def test_parts_inherit_the_settings_and_where_things_are(installed):
    """Private servers' addresses, the mark of the installation and its settings are variables."""
    found = environment.of_parts(installed, {"PATH": "/bin", "HOME": "/root"})
    assert found["KEDGE_INSTALLATION"] == "0123456789ab"
    assert found["KEDGE_HTTP_PORT"] == "80"
    assert found["DATABASE_URL"].startswith("postgresql://kedge@/kedge?host=/")
    assert found["REDIS_URL"].startswith("unix:///")
    assert found["HOME"] == "/root"
    assert found["PATH"].endswith("/usr/sbin:/sbin")


def test_the_router_listens_where_dynos_reach_it(installed):
    """It binds its own address and the dyno network's; 0.0.0.0 is both already."""
    found = environment.of_router(installed, ["10.210.0.1"])
    assert found["KEDGE_ROUTER_HTTP_BINDS"] == "127.0.0.1:80,10.210.0.1:80"
    open_to_all = installation.Installation(load({"KEDGE_BIND": "0.0.0.0"}), "0" * 12)
    found = environment.of_router(open_to_all, ["10.210.0.1"])
    assert found["KEDGE_ROUTER_HTTP_BINDS"] == "0.0.0.0:8080"


def test_the_usual_ports_are_not_written(installed):
    """Port 80 is left out of the URL, any other is named."""
    assert installed.url == "http://localhost"
    assert installed.https_url == "https://localhost:8443"


def test_what_does_not_answer_is_said_in_words(tmp_path):
    """A probe gives the reason in words, whatever went wrong."""
    nowhere = tmp_path / "no.sock"
    assert "does not answer" in probes.probed(lambda: probes.redis(f"unix://{nowhere}"))
    assert "does not answer" in probes.probed(lambda: probes.engine(f"unix://{nowhere}"))
    assert "does not answer" in probes.probed(lambda: probes.postgres("postgres://127.0.0.1:1/x"))
