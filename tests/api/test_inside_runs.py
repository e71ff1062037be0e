"""Commands inside a dyno: asked for over the API, claimed by their secret, and how they ended."""

import re
import uuid
from datetime import timedelta

import pytest

from kedge.engine.fakes import FakeRuntime
from kedge.engine.protocols import ContainerSpec
from kedge.loops.inside import Insides

WEB = "/apps/hello/dynos/web.1"


@pytest.fixture
def runtime():
    return FakeRuntime()


@pytest.fixture
def web(deployer, hello, runtime):
    """A web.1 that runs, on a runtime in memory; its runtime id."""
    deployer.deploy()
    dyno_id = uuid.uuid4()
    spec = ContainerSpec(
        dyno_id=dyno_id, app_id=uuid.UUID(hello.id), app_name="hello", kind="dyno", name="web.1",
        release_version=3, slug=None, command="hang", env={}, memory_mb=512, cpu_shares=1,
        cpus=1.0, pids=10,
    )  # fmt: skip
    runtime_id = runtime.create(spec)
    runtime.start(runtime_id)
    deployer.dyno(id=dyno_id, runtime_id=runtime_id)
    return runtime_id


@pytest.fixture
def insides(services, runtime):
    return Insides(services, runtime)


def secret_of(made):
    """The secret in an attach_url, which names host and port."""
    found = re.fullmatch(r"rendezvous://localhost:\d+/([0-9a-f]{32})", made["attach_url"])
    return found[1]


def outcome(api, made):
    told = api.get(f"/kedge/inside-runs/{made['id']}")
    return told["name"], told["state"], told["exit_status"]


def test_a_command_runs_inside_the_dyno_that_is_named(api, web, insides):
    """The answer is that dyno with an address; the command ends with a status of its own."""
    body = {"command": "echo in; exit 4", "env": {"A": "1"}, "force_no_tty": True}
    made = api.post(
        WEB, body, headers={"Accept": "application/vnd.heroku+json; version=3.run-inside"}
    )
    assert (made["name"], made["type"], made["state"]) == ("web.1", "web", "up")
    assert made["command"] == "echo in; exit 4"
    assert outcome(api, made) == ("web.1", "starting", None)
    session = insides.claim(secret_of(made))
    assert outcome(api, made) == ("web.1", "up", None)
    assert (session.tty, session.size) == (False, None)
    session.start()
    assert session.attachment.receive() == b"in\n"
    assert session.attachment.env == {"A": "1"}
    assert session.attachment.receive() == b""
    session.finished()
    assert outcome(api, made) == ("web.1", "ended", 4)
    assert [row["name"] for row in api.get("/apps/hello/dynos")] == ["web.1"]


def test_a_terminal_is_the_default_and_has_a_size(api, web, insides):
    """As with one-off dynos; a process type stands for its command, also before Heroku's echo."""
    size = {"COLUMNS": 91, "LINES": "33", "TERM": "xterm"}
    made = api.post(WEB, {"command": 'worker ; echo "status: $?"', "env": size})
    assert made["command"] == 'python worker.py ; echo "status: $?"'
    session = insides.claim(secret_of(made))
    assert (session.tty, session.size) == (True, (91, 33))


def test_a_secret_is_good_once_and_for_a_minute(api, services, web, insides, monkeypatch):
    """A used, an unknown and an old secret lead nowhere."""
    secret = secret_of(api.post(WEB, {"command": "hang"}))
    assert insides.claim(secret) is not None
    assert insides.claim(secret) is None
    assert insides.claim("0" * 32) is None
    late = secret_of(api.post(WEB, {"command": "hang"}))
    after = services.now() + timedelta(seconds=61)
    monkeypatch.setattr(type(services), "now", lambda _: after)
    assert insides.claim(late) is None


def test_a_client_that_goes_takes_its_command_with_it(api, web, insides, runtime):
    """The command is hung up, how it ended is not known, and the dyno goes on."""
    made = api.post(WEB, {"command": "hang"})
    session = insides.claim(secret_of(made))
    session.start()
    session.hang_up()
    session.finished()
    assert session.attachment.exit_status() == 129
    assert outcome(api, made) == ("web.1", "ended", None)
    assert runtime.container(web).status == "running"


def test_a_dyno_that_ended_before_the_claim_is_told_in_words(api, web, insides, runtime):
    """Whoever shows the secret then reads why nothing runs."""
    from kedge.errors import KedgeError

    made = api.post(WEB, {"command": "hang"})
    runtime.end(web, 1)
    session = insides.claim(secret_of(made))
    with pytest.raises(KedgeError, match="does not run"):
        session.start()
    assert outcome(api, made) == ("web.1", "ended", None)


def test_what_may_not_be_run_inside(api, web, deployer):
    """A dyno that is not there or does not run, no command, and what no environment may hold."""
    deployer.dyno(type="worker", state="crashed")
    api.post("/apps/hello/dynos/web.2", {"command": "ls"}, 404)
    assert (
        "does not run" in api.post("/apps/hello/dynos/worker.1", {"command": "ls"}, 409)["message"]
    )
    for wrong in ({}, {"command": ""}, {"command": 7}, {"command": "ls", "env": {"1A": "x"}}):
        assert api.post(WEB, wrong, 422)["message"]
    api.get(f"/kedge/inside-runs/{uuid.uuid4()}", 404)
    api.get("/kedge/inside-runs/x", 404)
