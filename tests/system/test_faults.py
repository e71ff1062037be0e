"""Parts that die, stop and come back: apps answer on, dynos stay, and Kedge works again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from frozen import frozen
from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PARTS = ("postgres", "redis", "router", "web", "worker", "clock", "dynos")


@contextmanager
def visited(app) -> Iterator[list[str]]:
    """Visitors of the app all the while; what went wrong for them."""
    failures: list[str] = []
    over = threading.Event()
    answered = threading.Event()

    def visit() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{app.platform.http_port}") as client:
            while not over.wait(0.01):
                try:
                    answer = client.get("/", headers={"Host": f"{app.name}.localhost"}, timeout=30)
                    answered.set()
                    if answer.status_code != 200:
                        failures.append(str(answer.status_code))
                except httpx.HTTPError as error:
                    failures.append(repr(error))

    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    answered.wait(10)
    try:
        yield failures
    finally:
        over.set()
        for visitor in visitors:
            visitor.join()


def dynos_of(app):
    """The ids and pids of the app's containers."""
    found = app.platform.containers(app=app.name, kind="dyno")
    return {(each.id, each.attrs["State"]["Pid"]) for each in found}


@pytest.fixture(scope="module")
def survivor(platform, tmp_path_factory):
    """The app that lives through it all."""
    made = platform.app(HELLO, tmp_path_factory.mktemp("survivor"))
    made.push()
    return made


@pytest.fixture
def app(survivor):
    """The app, with the one dyno of the newest release."""
    wait_until(lambda: len(dynos_of(survivor)) == 1, 60)
    return survivor


def works(app):
    """A config change and a push go through."""
    value = f"after{len(app.releases())}"
    app.kedge("config:set", f"GREETING={value}")
    assert app.get().text.startswith(f"{value} ")
    app.commit({"VERSION": value})
    app.push()
    assert app.get().text.startswith(f"{value} {value} ")


def test_parts_that_are_killed_come_back_and_nobody_notices(app):
    """Kill -9 of each part: no request fails, the dynos are the same, the part is back."""
    before = dynos_of(app)
    platform = app.platform
    with visited(app) as failures:
        for name in PARTS:
            platform.kill_and_wait(name, seconds=30)
            assert not failures, (name, failures)
    assert dynos_of(app) == before
    works(app)


def test_all_parts_killed_at_once_come_back(app):
    """With everything but the proxy gone at once apps answer on, and Kedge comes back."""
    before = dynos_of(app)
    with visited(app) as failures:
        app.platform.kill_and_wait(*PARTS)
    assert failures == []
    assert dynos_of(app) == before
    works(app)


def test_a_killed_proxy_is_back_within_two_seconds(app):
    """Requests fail only while HAProxy itself is gone; then the same dynos answer."""
    before = dynos_of(app)
    app.platform.kill_and_wait("haproxy", seconds=10)
    assert app.get().status_code == 200
    assert dynos_of(app) == before
    works(app)


def test_without_its_database_the_api_says_so_and_apps_serve(app):
    """503 in words while PostgreSQL is stopped; apps answer; then all works again."""
    with visited(app) as failures:
        app.platform.stop_part("postgres")
        answer = wait_until(lambda: refused(app))
        assert answer.status_code == 503
        assert "database does not answer" in answer.json()["message"]
        assert "database does not answer" in app.push(check=False)
        told = app.kedge("config:set", "A=1", check=False)
        assert "database does not answer" in told.stderr
        assert app.platform.part("postgres")["state"] == "down"
        app.platform.start_part("postgres")
        wait_until(app.platform.is_ready, 30)
    assert failures == []
    works(app)


def test_a_frozen_database_is_as_one_that_is_away(app):
    """Its sockets are open and silent: 503 in words within seconds; thawed, all works again."""
    before = dynos_of(app)
    parts = {name: app.platform.part(name)["pid"] for name in PARTS}
    with visited(app) as failures:
        with frozen(parts["postgres"]):
            answer = wait_until(lambda: refused(app))
            assert answer.status_code == 503
            assert "database does not answer" in answer.json()["message"]
            assert "database does not answer" in app.push(check=False)
        wait_until(lambda: app.platform.api("GET", "/apps").status_code == 200)
        works(app)
    assert failures == []
    assert not dynos_of(app) & before
    assert {name: app.platform.part(name)["pid"] for name in PARTS} == parts


def refused(app):
    """The API's answer once it is an error."""
    answer = app.platform.api("GET", f"/apps/{app.name}")
    return answer if answer.status_code >= 500 else None


def test_without_its_queue_a_push_waits_and_goes_on(new_app):
    """While Redis is stopped config still changes; a build begins when it is back."""
    app = new_app()
    app.push()
    app.platform.stop_part("redis")
    try:
        app.kedge("config:set", "GREETING=unqueued")
        assert app.get().text == "unqueued one web.1 v4"
        app.commit({"VERSION": "two"})
        said = []
        pusher = threading.Thread(target=lambda: said.append(app.push()))
        pusher.start()
        wait_until(lambda: app.api("GET", "/builds")[-1]["status"] == "pending")
    finally:
        app.platform.start_part("redis")
    pusher.join(60)
    assert "Released v5" in said[0]
    assert app.get().text == "unqueued two web.1 v5"


def test_down_and_up_leave_dynos_alone(new_app):
    """`down` and `up` keep containers and pids; a build that ran meanwhile ends in words."""
    app = new_app()
    app.push()
    platform = app.platform
    before = dynos_of(app)
    app.commit({"requirements.txt": "", "bin/pre_compile": "sleep 300\n"})
    said = []
    pusher = threading.Thread(target=lambda: said.append(app.push(check=False)))
    pusher.start()
    wait_until(lambda: platform.containers(app=app.name, kind="build"), 60)
    try:
        platform.down()
        pusher.join(30)
        assert dynos_of(app) == before
        assert not platform.standing_by()
    finally:
        platform.up()
    assert dynos_of(app) == before
    wait_until(lambda: app.get().text == "Hello one web.1 v3")
    wait_until(lambda: app.api("GET", "/builds")[-1]["status"] == "failed", 40)
    wait_until(lambda: not platform.containers(app=app.name, kind="build"), 20)
    assert "else push again." in said[0] or "hung up" in said[0], said
    app.git("rm", "--quiet", "-r", "bin")
    works(app)


def test_dynos_stopped_with_the_platform_come_back_with_it(app):
    """`down --stop-dynos` leaves none running; `up` brings the formation back."""
    before = dynos_of(app)
    try:
        app.platform.down("--stop-dynos")
        assert {pid for _, pid in dynos_of(app)} <= {0}
    finally:
        app.platform.up()
    wait_until(lambda: app.get().status_code == 200, 30)
    wait_until(lambda: len(dynos_of(app)) == 1)
    assert not {name for name, _ in dynos_of(app)} & {name for name, _ in before}
    works(app)


def test_a_supervisor_killed_in_a_roll_out_goes_on_from_there(new_app):
    """Kill -9 of the dynos' supervisor at any moment of a push: it ends live, with one dyno."""
    slow = HELLO["server.py"].replace("import http", "import time; time.sleep(1)\nimport http", 1)
    app = new_app({**HELLO, "server.py": slow})
    app.push()
    with visited(app) as failures:
        for number, moment in enumerate(("starting", "up")):
            known = len(app.releases())
            app.commit({"VERSION": f"n{number}"})
            pusher = threading.Thread(target=app.push)
            pusher.start()
            wait_until(lambda m=moment, k=known: is_at(app, k + 1, m), 30)
            app.platform.kill("dynos")
            pusher.join(90)
            assert app.get().text.startswith(f"Hello n{number} ")
    assert failures == []
    wait_until(lambda: len(dynos_of(app)) == 1, 60)


def is_at(app, version, state):
    """Whether a dyno of that release is in that state, or the release is live already."""
    rows = app.api("GET", "/dynos")
    found = [row["state"] for row in rows if row["release"]["version"] == version]
    return state in found or "up" in found


def test_a_push_whose_web_part_is_killed_is_still_whole(new_app):
    """Kill -9 of web in a push's last seconds: what goes live is what `main` names, by itself."""
    slow = HELLO["server.py"].replace("import http", "import time; time.sleep(2)\nimport http", 1)
    app = new_app({**HELLO, "server.py": slow})
    platform = app.platform
    commit = app.git("rev-parse", "HEAD").stdout.strip()
    pusher = threading.Thread(target=lambda: app.push(check=False))
    pusher.start()
    wait_until(lambda: is_at(app, 3, "starting"), 60)
    kill_workers(platform)
    pusher.join(60)
    wait_until(lambda: app.get().text.startswith("Hello one"), 30)
    wait_until(lambda: main_of(app) == commit, 30)
    works(app)
    repository = platform.home / "repos" / f"{app.api('GET')['id']}.git"
    wait_until(lambda: not list(repository.glob("objects/tmp_objdir-*")), 60)


def main_of(app):
    """The commit main names, as git tells it."""
    return app.git("ls-remote", "kedge", "refs/heads/main", check=False).stdout.partition("\t")[0]


def kill_workers(platform):
    """Kill -9 the process that serves, under the one that would start it again."""
    master = platform.part("web")["pid"]
    for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
