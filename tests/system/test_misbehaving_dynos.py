"""Dynos that do not behave: the cause is told in Heroku's codes, and what ran before serves on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def served(change):
    """The small app with a change to its server."""
    return HELLO["server.py"].replace(*change)


BOUND = '("0.0.0.0", int(os.environ["PORT"]))'
FAILING = [
    ("never binds", {"Procfile": "web: sleep 1000\n"}, "R10", "bound no port at all"),
    ("another port", {"server.py": served((BOUND, '("0.0.0.0", 5000)'))}, "R10", "bound port 5000"),
    (
        "127.0.0.1 only",
        {"server.py": served(("0.0.0.0", "127.0.0.1"))},
        "R10",
        "on 127.0.0.1 only: bind 0.0.0.0",
    ),
    (
        "answers 500",
        {"server.py": served(("send_response(200)", "send_response(500)"))},
        "R10",
        "did not answer below 500",
    ),
    ("exits at once", {"Procfile": "web: echo bye; exit 5\n"}, None, "exited with status 5"),
    ("no such command", {"Procfile": "web: gunicron app\n"}, None, "command was not found"),
    ("a signal", {"Procfile": "web: kill -SEGV $$\n"}, None, "SIGSEGV"),
]


@pytest.fixture
def serving(quick_app):
    """An app that serves, before its next push goes wrong."""
    app = quick_app()
    app.push()
    return app


def test_a_release_that_does_not_come_up_is_told_with_its_cause(quick_app):
    """Each way to fail is named on the pusher's screen, by `kedge why` and in the log."""
    apps = [quick_app({**HELLO, **files}) for _, files, _, _ in FAILING]
    with ThreadPoolExecutor(len(apps)) as pool:
        told = list(pool.map(lambda app: app.push(check=False), apps))
    for app, said, (what, _, code, words) in zip(apps, told, FAILING, strict=True):
        assert words in " ".join(said.replace("remote:", "").split()), f"{what}: {said}"
        assert app.release(3)["status"] == "failed", what
        why = app.kedge("why", "v3").stdout
        assert words in " ".join(why.split()), f"{what}: {why}"
        assert code is None or f"Error {code}" in app.log(dyno="web.1"), what


def test_a_procfile_that_cannot_be_read_is_refused(serving):
    """The push says which line; nothing is released."""
    for procfile in ("web python3 server.py\n", "\x00\xff", "web: \n"):
        serving.commit({"Procfile": procfile})
        said = serving.push(check=False)
        assert "Line 1 of the Procfile cannot be read" in said, repr(procfile)
        assert "worker was stopped" not in said, repr(procfile)
    assert len(serving.releases()) == 3


STUBBORN = served(("lambda *_: sys.exit(0)", "lambda *_: None"))


def test_a_dyno_that_ignores_sigterm_is_killed(serving):
    """R12: after its time it gets SIGKILL, and the log says so."""
    serving.commit({"server.py": STUBBORN})
    serving.push()
    serving.kedge("ps:restart")
    wait_until(lambda: "Error R12 (Exit timeout)" in serving.log(), 30)
    wait_until(lambda: "Process exited with status 137" in serving.log(), 30)
    assert serving.get().text == "Hello one web.1 v4"


GREEDY = """
import sys, time
time.sleep(1)
held = []
for _ in range(int(sys.argv[1])):
    held.append(bytearray(b"x" * (10 << 20)))
time.sleep(1000)
"""


def test_memory_over_the_quota_is_said_and_far_over_it_is_killed(quick_app):
    """R14 in the log while a dyno is over its size; at twice its size R15 and a crash."""
    procfile = "web: python3 server.py\nover: python3 greedy.py 56\nfar: python3 greedy.py 200\n"
    app = quick_app({**HELLO, "Procfile": procfile, "greedy.py": GREEDY})
    app.push()
    app.kedge("ps:scale", "over=1", "far=1", "--no-wait")
    wait_until(lambda: "Error R15 (Memory quota vastly exceeded)" in app.log(dyno="far.1"), 60)
    wait_until(lambda: "State changed from" in app.log(dyno="far.1"))
    wait_until(lambda: "Error R14 (Memory quota exceeded)" in app.log(dyno="over.1"), 60)
    assert "Process running mem=5" in app.log(dyno="over.1")
    assert "Error R15" not in app.log(dyno="over.1")
    assert app.get().text == "Hello one web.1 v3"


def test_a_dyno_that_crashes_later_is_started_again(quick_app):
    """The first time at once, then with rests; requests meanwhile get H10, not silence."""
    mortal = served(("time.sleep(2)", "os._exit(9)"))
    app = quick_app({**HELLO, "server.py": mortal})
    app.push()
    dyno = app.api("GET", "/dynos")[0]["id"]
    assert app.get("/slow").status_code == 503
    wait_until(lambda: app.get().status_code == 200, 30)
    assert app.api("GET", "/dynos")[0]["id"] != dyno
    assert "State changed from up to crashed" in app.log()
    assert "Process exited with status 9" in app.log()
    app.get("/slow")
    wait_until(lambda: "code=H10" in app.log() or app.get().status_code == 503, 20)
    assert app.head() == 3
