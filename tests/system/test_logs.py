"""Logs: Heroku's lines, in order, across deploys and crashes; what is lost is counted."""

from __future__ import annotations

import re
import subprocess
import uuid
from contextlib import contextmanager

import pytest

from kedge.engine.logs import EVERYTHING, FileLogStore
from system.installation import HELLO, KEDGE, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (app|heroku)\[[a-z]+(\.\d+)?\]: .*"
)
LOST = re.compile(r"Error L10 \(output buffer overflow\): (\d+) messages dropped")
LINES = 200_000
FLOOD = f"""
import time
for number in range({LINES}):
    print("drop", number)
print("done", flush=True)
time.sleep(1000)
"""


def test_lines_have_herokus_form_and_the_order_of_time(app):
    """What the app, the platform and the router say, each under its name, ordered by time."""
    assert app.get("/page?x=1").status_code == 200
    app.kedge("config:set", "GREETING=Ahoy")
    wait_until(lambda: 'path="/page?x=1"' in app.log())
    lines = app.log().splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert lines == sorted(lines, key=lambda line: line.split()[0])
    for words in (
        "app[api]: Initial release by user owner@localhost",
        "app[api]: Release v3 created by user owner@localhost",
        "app[api]: Set GREETING config vars by user owner@localhost",
        "heroku[web.1]: Starting process with command `python3 server.py`",
        "heroku[web.1]: State changed from starting to up",
        "heroku[web.1]: Stopping all processes with SIGTERM",
        "heroku[router]: at=info method=GET",
    ):
        assert any(words in line for line in lines), words


def test_logs_survive_deploys_and_crashes_and_can_be_chosen(new_app):
    """Lines of a dyno that is gone are kept; by dyno, by source and by number they are found."""
    crashing = "web: python3 server.py\nworker: echo last words; exit 3\n"
    app = new_app({**HELLO, "Procfile": crashing})
    app.push()
    app.kedge("ps:scale", "worker=1", "--no-wait")
    wait_until(lambda: "app[worker.1]: last words" in app.log())
    wait_until(lambda: "State changed from starting to crashed" in app.log(dyno="worker.1"))
    app.commit({"VERSION": "two"})
    app.push()
    assert "app[worker.1]: last words" in app.log()
    assert "web.1" not in app.log(dyno="worker.1")
    assert "heroku[" not in app.log(source="app")
    assert "app[" not in app.log(source="heroku")
    newest = app.kedge("logs", "-n", "2").stdout.splitlines()
    assert len(newest) == 2
    assert newest == app.log().splitlines()[-2:] or wait_until(
        lambda: app.kedge("logs", "-n", "2").stdout.splitlines() == app.log().splitlines()[-2:]
    )


@contextmanager
def tailing(app, *arguments):
    """A `kedge logs --tail` that runs; its lines as they come."""
    tail = subprocess.Popen(
        [str(KEDGE), "logs", "--tail", "--app", app.name, *arguments],
        env=app.platform.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield tail.stdout
    finally:
        tail.kill()
        tail.wait()


def test_a_tail_shows_what_comes_from_then_on(app):
    """Lines reach `--tail` as they are written, over a deploy and a restart of the web part."""
    with tailing(app, "--source", "app") as lines:
        assert "Release" in next(line for line in lines if "created by" in line)
        app.kedge("config:set", "A=1")
        assert next(line for line in lines if "Release v4 created" in line)
        app.platform.kill_and_wait("web")
        app.kedge("config:set", "A=2")
        assert next(line for line in lines if "Release v5 created" in line)


def test_a_flood_is_kept_or_counted(app):
    """Of 200,000 lines written at once each is kept once, or counted in a line that says so.

    Also when the supervisor that collects them is killed in the middle.
    """
    app.commit({"flood.py": FLOOD, "Procfile": HELLO["Procfile"] + "flood: python3 flood.py\n"})
    app.push()
    app.kedge("ps:scale", "flood=1", "--no-wait")
    wait_until(lambda: "app[flood.1]: drop" in app.log(dyno="flood.1"), 60)
    app.platform.kill("dynos")
    wait_until(lambda: "app[flood.1]: done" in app.log(dyno="flood.1"), 90)
    store = FileLogStore(app.platform.home / "logs", 16 << 20)
    app_id = uuid.UUID(app.api("GET", "")["id"])
    kept, lost, cursor = [], 0, "0"
    while True:
        lines, after = store.follow(app_id, cursor, EVERYTHING)
        kept += [line.text for line in lines if line.text.startswith("drop ")]
        lost += sum(int(found[1]) for line in lines if (found := LOST.search(line.text)))
        if after == cursor:
            break
        cursor = after
    assert len(kept) + lost == LINES
    assert len(set(kept)) == len(kept), "no line is kept twice"
    numbers = [int(text.split()[1]) for text in kept]
    assert numbers == sorted(numbers)
    assert app.get().status_code == 200
