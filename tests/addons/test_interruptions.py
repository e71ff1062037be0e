"""The `addons` process killed, or its engine away: what was begun is ended all the same, once."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import docker
import httpx
import psycopg
import pytest

from addons.side import Side, wait_until
from kedge_addons import keys, partner_api
from partner_contract import Platform, Subject, request_of

pytestmark = pytest.mark.docker
SERVICE = "heroku-postgresql"
SOCKET = Path("/var/run/docker.sock")


class Part:
    """The `addons` part as the Procfile starts it, and what asks it."""

    def __init__(self, home, installation, database_url):
        self.installation, self.socket = installation, home / "addons.sock"
        self._environment = os.environ | {
            "KEDGE_HOME": str(home),
            "KEDGE_INSTALLATION": installation,
            "DATABASE_URL": database_url,
            "KEDGE_RUN_DIR": "",
        }
        known = keys.load(home)
        self.partner = Subject(
            base_url=f"http://addons/{SERVICE}/heroku/resources",
            service=SERVICE,
            password=known.password(SERVICE),
            sso_salt=known.sso_salt(SERVICE),
            plan="essential-0",
            config_vars=("HEROKU_POSTGRESQL_URL",),
            transport=httpx.HTTPTransport(uds=str(self.socket)),
        )
        self.own = replace(self.partner, base_url=f"http://addons/{SERVICE}/kedge/resources")
        self._process = None

    def start(self):
        options = ["--bind", f"unix:{self.socket}", "--worker-class", "gthread", "--threads", "8"]
        command = [sys.executable, "-m", "gunicorn", *options, "kedge_addons.web:serve()"]
        self._process = subprocess.Popen(
            command, env=self._environment, start_new_session=True, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def kill(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def _answers(self):
        with suppress(httpx.HTTPError):
            return self.own.ask("GET", "/none").status_code == 404

    def containers(self, resource_id):
        labels = [f"kedge.home={self.installation}", f"kedge.addon={resource_id}"]
        asked = {"all": True, "filters": {"label": labels}, "ignore_removed": True}
        return docker.from_env().containers.list(**asked)

    def signs_in(self, resource_id, url):
        """Whether exactly one server runs, and lets in whoever has this URL."""
        (container,) = self.containers(resource_id)
        networks, parts = container.attrs["NetworkSettings"]["Networks"], urlsplit(url)
        given = {"user": parts.username, "password": parts.password, "dbname": parts.path[1:]}
        address = networks[f"kedge-{self.installation}"]["IPAddress"]
        with psycopg.connect(hostaddr=address, sslmode="require", **given) as connection:
            return connection.execute("SELECT true").fetchone()[0]


def begun(subject, method, path, **more):
    """Ask for what will not be answered, in a thread."""

    def ask():
        with suppress(httpx.HTTPError):
            subject.ask(method, path, **more)

    threading.Thread(target=ask, daemon=True).start()


@pytest.fixture
def part(home, installation, addons_database):
    made = Part(home, installation, addons_database)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def platform():
    made = Platform()
    yield made
    made.close()


def test_what_was_begun_is_ended_once(part, platform):
    """Killed while it makes a server and while it sets it up, there is one in the end, that works.

    Killed at any moment of a rotation, it leaves the platform with credentials that sign in.
    """
    resource_id = str(uuid.uuid4())
    request = request_of(part.partner, platform, resource_id)
    begun(part.partner, "POST", "", json=request)
    for is_so in (
        lambda: part.containers(resource_id),
        lambda: any(found.status == "running" for found in part.containers(resource_id)),
    ):
        wait_until(is_so)
        part.kill()
        part.start()

    def kept():
        return part.partner.ask("POST", json=request).json()["config"]

    made = part.partner.ask("POST", json=request)
    assert made.status_code == 201, made.text
    url = made.json()["config"]["HEROKU_POSTGRESQL_URL"]
    assert part.signs_in(resource_id, url)

    for pause_seconds in (0.1, 0.4):
        begun(part.own, "POST", f"/{resource_id}/credentials/rotate", json={"force": True})
        time.sleep(pause_seconds)
        part.kill()
        part.start()
        wait_until(lambda: platform.config.get(resource_id, made.json()["config"]) == kept())
        assert part.signs_in(resource_id, kept()["HEROKU_POSTGRESQL_URL"])
    assert part.own.ask("POST", f"/{resource_id}/credentials/rotate", json={}).status_code == 200
    wait_until(lambda: platform.config.get(resource_id) == kept())
    assert kept()["HEROKU_POSTGRESQL_URL"] != url


@pytest.fixture
def engine_socket(tmp_path):
    """Where providers look for an engine, and find none."""
    return tmp_path / "docker.sock"


@pytest.fixture
def blind_side(installation, addons_database, home, engine_socket):
    """Providers without their engine."""
    from kedge_addons.settings import Settings

    settings = Settings(home=home, installation=installation, database_url=addons_database)
    made = Side(replace(settings, docker_host=f"unix://{engine_socket}"))
    yield made
    made.close()


@pytest.mark.skipif(not SOCKET.exists(), reason="the engine is not on the usual socket")
def test_what_was_asked_for_is_made_when_the_engine_is_back(
    blind_side, platform, engine_socket, monkeypatch
):
    """202 at once, a reason in words for whoever looks, and the platform is called back."""
    monkeypatch.setattr(partner_api, "MAKING_SECONDS", 0.2)
    subject, resource_id = blind_side.subject("heroku-redis"), str(uuid.uuid4())
    promised = subject.ask("POST", json=request_of(subject, platform, resource_id))
    assert promised.status_code == 202
    looked = blind_side.ask("heroku-redis", "GET", resource_id)
    assert looked.status_code == 503
    assert "The Docker engine does not answer" in looked.json()["message"]
    engine_socket.symlink_to(SOCKET)
    assert platform.wait_for(resource_id, 60)
    assert set(platform.config[resource_id]) == {"REDIS_URL", "REDIS_TLS_URL"}
    assert blind_side.ask("heroku-redis", "GET", resource_id).json()["state"] == "running"
