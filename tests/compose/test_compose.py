"""`docker compose up` is the same platform as `kedge up`, and what it keeps is in its volumes."""

from __future__ import annotations

import docker
import httpx
import pytest

from kedge.engine.docker import labels
from system.installation import wait_until
from system.load import Load

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# All but HAProxy, through which everything is asked, and the two that run once.
OTHERS = (
    ("web", "worker", "clock"),
    ("dynos", "addons"),
    ("router", "certificates"),
    ("redis", "postgres"),
)


def test_the_main_job_is_done_by_containers(app):
    """A push is live when it returns, so is a config change, and a rollback brings both back."""
    assert app.get().text == "Hello one web.1 v3"
    app.kedge("config:set", "GREETING=Ahoy")
    assert app.get().text == "Ahoy one web.1 v4"
    app.commit({"VERSION": "two"})
    app.push()
    assert app.get().text == "Ahoy two web.1 v5"
    app.kedge("rollback", "v3", "--yes")
    assert app.get().text == "Hello one web.1 v6"


def test_one_off_dynos_are_attached_to_the_terminal(app):
    """`kedge run` reaches the `dynos` service on the host's port, with its certificate."""
    done = app.kedge("run", "--", "sh", "-c", "echo through; exit 7", check=False)
    assert (done.stdout, done.returncode) == ("through\n", 7)


def test_an_add_on_serves_its_app(app):
    """The providers' service makes a server by the host's engine, which the app's dynos reach."""
    app.kedge("addons:create", "heroku-redis")
    ask = 'a=${REDIS_URL##*@}; exec 3<>"/dev/tcp/${a%:*}/${a#*:}"; echo PING >&3; head -n1 <&3'
    assert "NOAUTH" in app.kedge("run", "--", "bash", "-c", ask).stdout


def test_every_service_restarts_without_a_failed_request(platform, app):
    """While any service but HAProxy restarts, the app answers; afterwards each does its work."""
    with Load(platform.http_port, f"{app.name}.localhost", kinds="kept,fresh") as load:
        for services in OTHERS:
            platform.compose("restart", *services)
            wait_until(platform.answers, 30, f"the API answers after a restart of {services}")
            app.kedge("config:set", f"GREETING={services[0]}")
        app.commit({"VERSION": "three"})
        app.push()
        report = load.stop()
    assert report.failures == []
    assert report.total > 100
    assert app.get().text.startswith("redis three web.1")


def test_a_service_that_dies_is_started_again(platform, app):
    """Docker does for each container what `kedge up` does for its parts."""
    for service in ("web", "redis", "postgres"):
        platform.compose("exec", "-T", service, "sh", "-c", "kill -9 -1", check=False)
    wait_until(platform.answers, 30, "the API answers")
    app.kedge("config:set", "GREETING=Back")
    assert app.get().text.startswith("Back ")


def test_the_router_serves_again_after_its_own_restart(platform, app):
    """HAProxy starts with the routes it had; no other part is needed for that."""
    platform.compose("stop", "router", "dynos", "web", "worker", "clock", "redis", "postgres")
    platform.compose("restart", "haproxy")
    wait_until(lambda: _answers(app), 15, "the app answers")
    platform.compose("start", "postgres", "redis", "router", "web", "worker", "clock", "dynos")
    wait_until(platform.answers, 30, "the API answers")
    app.kedge("config:set", "GREETING=Again")
    assert app.get().text.startswith("Again ")


def test_volumes_keep_everything_and_dynos_go_on(platform, app):
    """`down` and `up` later, apps answer from the very containers they had."""
    app.kedge("config:set", "GREETING=Kept")
    before = [container.id for container in platform.containers(app=app.name)]
    kept = app.get().text
    platform.down()
    platform.up()
    wait_until(lambda: _answers(app), 15, "the app answers")
    assert app.get().text == kept
    assert kept.startswith("Kept ")
    assert [container.id for container in platform.containers(app=app.name)] == before
    assert app.kedge("config:get", "GREETING").stdout.strip() == "Kept"
    app.kedge("rollback", "v3", "--yes")
    assert app.get().text.startswith("Hello one web.1 ")


def test_containers_have_no_rights_they_do_not_need(platform):
    """No service is privileged or may administer the system; PostgreSQL runs as nobody's root."""
    found = docker.from_env().containers.list(
        filters={"label": f"com.docker.compose.project={platform.project}"}
    )
    assert len(found) == 10
    for container in found:
        told = container.attrs["HostConfig"]
        assert not told["Privileged"]
        assert told["CapDrop"] == ["ALL"]
        assert set(told["CapAdd"] or ()) <= {"DAC_OVERRIDE", "NET_BIND_SERVICE"}
        assert told["RestartPolicy"]["Name"] == "unless-stopped"
    user = platform.compose("exec", "-T", "postgres", "id", "-un").stdout.strip()
    assert user == "kedge-postgres"


def test_every_service_is_healthy(platform):
    """What Docker asks a service about its health is answered well by one that works."""
    found = docker.from_env().containers.list(
        filters={"label": f"com.docker.compose.project={platform.project}"}
    )
    for container in found:
        kind, *asked = container.attrs["Config"]["Healthcheck"]["Test"]
        command = ["sh", "-c", *asked] if kind == "CMD-SHELL" else asked
        wait_until(lambda: container.exec_run(command).exit_code == 0, 30, container.name)  # noqa: B023


def test_its_traces_in_the_engine_go(platform):
    """Run by hand, `uninstall` empties the volumes too; `down` before it, or it is refused."""
    uninstall = ("run", "--rm", "--no-deps", "home", "uninstall", "--confirm", "/var/lib/kedge")
    refused = platform.compose(*uninstall, check=False)
    assert refused.returncode == 1
    assert "docker compose down" in refused.stdout
    assert platform.answers()
    identity = platform.id
    platform.down()
    platform.compose(*uninstall)
    assert docker.from_env().containers.list(all=True, filters=labels.filters(identity)) == []
    assert platform.kept("installation") == ""


def _answers(app):
    try:
        return app.get().status_code == 200
    except httpx.TransportError:
        return False
