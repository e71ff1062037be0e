"""What a running installation says and shows."""

from __future__ import annotations

import datetime as dt
import ssl
import stat
import urllib.request
from pathlib import Path

import pytest

from kedge.home import certificates, orphans, renewal

pytestmark = pytest.mark.postgres

PARTS = ["postgres", "redis", "haproxy", "web", "worker", "router"]


def test_status_has_the_form_of_the_contract(running):
    """The status names every part, with state, start, process id and detail."""
    status = running.status()
    assert set(status) == {"ready", "url", "https_url", "version", "parts"}
    assert status["ready"] is True
    assert [part["name"] for part in status["parts"]] == PARTS
    for part in status["parts"]:
        assert set(part) == {"name", "state", "since", "pid", "detail"}
        assert part["state"] == "up"
        assert part["detail"] is None
        assert orphans.lives(part["pid"])
        since = dt.datetime.fromisoformat(part["since"])
        assert abs(dt.datetime.now(dt.UTC) - since) < dt.timedelta(minutes=2)


def test_the_home_is_all_another_shell_needs(running):
    """With nothing but KEDGE_HOME set, `status` sees the ports Kedge was started with."""
    environment = running.environment
    running.environment = {"KEDGE_HOME": str(running.folder)}
    try:
        assert running.status()["url"] == f"http://localhost:{running.http_port}"
    finally:
        running.environment = environment
    assert (running.folder / "url").read_text() == f"http://localhost:{running.http_port}\n"


def test_a_second_up_is_refused(running):
    """`kedge up` on a home that runs ends with 1 and says `already running (pid N)`."""
    done = running.run("up")
    assert done.returncode == 1
    assert f"already running (pid {running.up_pid()})" in done.stdout


def test_a_second_up_detached_says_so_and_is_content(running):
    """`kedge up --detach` on a home that runs says the same and returns 0."""
    done = running.run("up", "--detach")
    assert done.returncode == 0
    assert done.stdout == f"already running (pid {running.up_pid()})\n"


def test_requests_reach_web_by_both_ports(running):
    """HAProxy serves `web` by HTTP, and by HTTPS with a certificate `ca.pem` vouches for."""
    trust = ssl.create_default_context(cafile=running.folder / "ca.pem")
    status = running.status()
    with urllib.request.urlopen(status["url"], timeout=5) as answer:
        assert answer.read() == b"hi"
    with urllib.request.urlopen(status["https_url"], timeout=5, context=trust) as answer:
        assert answer.read() == b"hi"


def test_secrets_are_for_the_owner_alone(running):
    """The home is 0700, and files with keys or passwords in them are 0600 besides."""
    assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700
    names = ("secret.key", "ca.key", "router/certs/default.pem", "started-with.json")
    for name in (*names, "run/supervisor.conf", "run/supervisor.sock"):
        assert stat.S_IMODE((running.folder / name).stat().st_mode) == 0o600, name


def test_no_secret_is_an_argument_of_a_process(running):
    """Keys travel by environment and file; `ps` shows none."""
    key = (running.folder / "secret.key").read_text().strip()
    for pid in running.left():
        assert key not in Path(f"/proc/{pid}/cmdline").read_text()


def test_a_renewed_certificate_is_served_without_a_restart(running):
    """Near its end the certificate is renewed, and the same HAProxy serves the new one."""
    path = certificates.default_path(running.folder)
    served_at = ("127.0.0.1", int(running.environment["KEDGE_HTTPS_PORT"]))
    haproxy = running.part("haproxy")["pid"]
    names = certificates.default_names(running.settings)
    path.write_text(certificates.issue(running.folder, names, days=30))
    said: list[str] = []
    renewal.renew(running.installation, running.command("up")[1], said.append)
    assert said == ["The platform's certificate was renewed."]
    served = ssl.get_server_certificate(served_at).strip()
    assert path.read_text().startswith(served)
    assert certificates.expires_at(path) > dt.datetime.now(dt.UTC) + dt.timedelta(days=300)
    assert running.part("haproxy")["pid"] == haproxy
