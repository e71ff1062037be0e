"""Starts that cannot be: the reason and the remedy, in words, and nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from kedge.errors import StartRefused
from kedge.home import installation, parts, ports, postgres, procfile
from kedge.settings import Settings, load
from one_offs import make_certificate

pytestmark = pytest.mark.postgres


def refused(home, **variables):
    """What `kedge up` says when it is refused."""
    done = home.run("up", "--detach", **variables)
    assert done.returncode == 1, done.stdout
    assert home.left() == []
    return done.stdout


def test_a_taken_port_is_named_with_who_has_it(home):
    """The port, the process that has it and the variable that chooses another are named."""
    home.processes(router="python -m kedge_router agent")
    with socket.create_server(("127.0.0.1", home.http_port)):
        words = refused(home)
    assert f"Port {home.http_port} is taken by " in words
    assert f"(pid {os.getpid()})" in words
    assert f"KEDGE_HTTP_PORT={home.http_port + 1000} kedge up" in words


def test_the_door_to_attached_dynos_says_who_has_its_port(tmp_path):
    """The port may be lost after the start: the `dynos` part then names who has it, and ends."""
    from kedge import dynos

    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(home=tmp_path, rendezvous_port=taken.getsockname()[1])
        found = installation.Installation(settings, "0123456789ab")
        (tmp_path / "router" / "certs").mkdir(parents=True)
        found.router_dir.parent.mkdir()
        found.router_dir.symlink_to(tmp_path / "router")
        make_certificate(found.router_dir / "certs" / "default.pem")
        with pytest.raises(StartRefused, match="is taken by") as refused:
            dynos._open_door(settings, found, None)
    assert f"(pid {os.getpid()})" in refused.value.reason
    assert "KEDGE_RENDEZVOUS_PORT=" in refused.value.remedy

    (found.router_dir / "certs" / "default.pem").unlink()
    with pytest.raises(StartRefused, match="kedge up") as refused:
        dynos._open_door(settings, found, None)
    assert "default.pem" in refused.value.reason


def test_a_missing_program_is_named_with_its_package(home, tmp_path):
    """Without a Redis server on PATH the start is refused before anything runs."""
    for name in ("unshare", "sh", "mkdir", "mount", "setpriv", "postgres"):
        found = subprocess.check_output(["which", name], text=True).strip()
        (tmp_path / name).symlink_to(os.path.realpath(found))
    words = refused(home, PATH=str(tmp_path))
    assert "No Redis server is installed on this machine." in words
    assert "redis-server" in words


def test_data_of_another_postgres_are_left_alone(home):
    """Data of a version that is not installed refuse the start and say which to install."""
    data = home.folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    words = refused(home)
    assert "PostgreSQL 9" in words
    assert "apt-get install postgresql-9" in words
    assert list(data.iterdir()) == [data / "PG_VERSION"]


def test_an_engine_that_does_not_answer_is_named(home):
    """Where dynos are to run, no engine means no start, and how to start one is said."""
    home.processes(dynos=home.WORKER)
    words = refused(home, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "The Docker engine at unix:///nowhere/docker.sock does not answer" in words
    assert "systemctl start docker" in words


def test_a_setting_that_cannot_be_read_is_named(home):
    """A word where a number belongs ends the start with the variable's name, not a traceback."""
    done = home.run("up", "--detach", KEDGE_HTTP_PORT="eighty")
    assert done.returncode == 1
    assert "KEDGE_HTTP_PORT='eighty' is not a int" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_home_is_refused(home):
    """A home that belongs to somebody else is not touched, and whose it is is said."""
    home.folder.mkdir()
    os.chown(home.folder, 65534, 65534)
    words = refused(home)
    assert "belongs to nobody, and you are root" in words
    assert list(home.folder.iterdir()) == []


def test_a_home_that_cannot_be_made_is_refused(home, tmp_path):
    """A file where the home should be is said to be no folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match="cannot be written"):
        installation.establish(Settings(home=tmp_path / "file" / "home"))


def test_a_full_disk_is_refused(tmp_path, monkeypatch):
    """Too little room refuses the start before anything is written."""
    monkeypatch.setattr(installation, "LEAST_FREE_MB", 10**9)
    with pytest.raises(StartRefused, match="is full"):
        installation.establish(Settings(home=tmp_path / "home"))
    assert not (tmp_path / "home" / "installation").exists()


def test_an_empty_procfile_is_refused(tmp_path):
    """A Procfile without a process, and one that is not there, are refused in words."""
    (tmp_path / "Procfile").write_text("# nothing\n")
    with pytest.raises(StartRefused, match="names no process"):
        procfile.read(tmp_path / "Procfile")
    with pytest.raises(StartRefused, match="cannot be read"):
        procfile.read(tmp_path / "absent")


def test_the_programs_are_those_of_the_data(monkeypatch, tmp_path):
    """Of several PostgreSQL versions the data's own is used, the newest for new data."""
    monkeypatch.setattr(postgres, "installed", lambda: {"9": tmp_path, "16": tmp_path / "16"})
    assert postgres.programs_for(None) == tmp_path / "16"
    assert postgres.programs_for("9") == tmp_path
    with pytest.raises(StartRefused, match="PostgreSQL 15"):
        postgres.programs_for("15")


def test_a_port_below_1024_is_explained(monkeypatch):
    """A port the system keeps for root is said to be one."""

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", denied)
    assert "Port 80 is root's" in ports.trouble_with("127.0.0.1", 80)


def test_all_parts_together_stop_in_time():
    """The groups stop one after the other, and the slowest of each fit into 15 seconds."""
    found = installation.Installation(load({"KEDGE_HOME": "/nowhere"}), "0" * 12)
    every = parts.of(found, procfile.read(procfile.OWN))
    slowest = {
        group: max(p.stop_seconds for p in every if p.group == group and p.command is not None)
        for group in parts.GROUPS
    }
    assert sum(slowest.values()) <= 12
