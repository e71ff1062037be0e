"""Any part may die at any moment: afterwards there is one consistent state, and nothing was lost.

`KEDGE_CHAOS_ROUNDS` makes it longer, `KEDGE_CHAOS_SEED` other; a failure prints both.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import memory
from chaos.consistency import complaints
from system.installation import App, Installation, wait_until
from system.load import VISITED, Load, Report

pytestmark = [pytest.mark.docker, pytest.mark.slow]

APP = {**VISITED, "Procfile": "web: python3 server.py\nrelease: echo migrating; sleep 0.5\n"}
PARTS = ("dynos", "worker", "web", "postgres", "router", "haproxy", "redis", "clock")
ROUNDS = int(os.environ.get("KEDGE_CHAOS_ROUNDS", len(PARTS)))
SEED = int(os.environ.get("KEDGE_CHAOS_SEED", "11"))
# What a push goes through; for the others a change of config tells whether they work again.
PUSHED_THROUGH = ("web", "worker", "postgres", "redis")
LATEST_KILL_SECONDS = 2.0
HAPROXY_SECONDS = 2.0
REST_SECONDS = 60.0


@pytest.fixture(scope="module")
def platform():
    """A platform of its own: here its parts are killed."""
    made = Installation(memory.folder("kdg-"), extra={"KEDGE_DRAIN_SECONDS": "3"})
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def app(platform, tmp_path):
    """An app with two web dynos, and a second release to roll back from."""
    made = platform.app(APP, tmp_path)
    made.push()
    made.api("PATCH", "/formation/web", {"quantity": 2})
    made.kedge("config:set", "GREETING=first")
    yield made
    shutil.rmtree(tmp_path, ignore_errors=True)


@dataclass
class Round:
    """One round: what changes, what is killed, and how long after the change began."""

    number: int
    part: str
    change: str
    after_seconds: float


def rounds() -> list[Round]:
    """The same for the same seed; every part is killed before one is killed again."""
    chance = random.Random(SEED)
    made = []
    for number, part in zip(range(ROUNDS), itertools.cycle(PARTS)):
        change = chance.choice(["push", "config", "rollback", "restart"])
        made.append(Round(number, part, change, chance.uniform(0, LATEST_KILL_SECONDS)))
    return made


def change_of(app: App, this: Round) -> Callable[[], object]:
    """What changes in a round; it may fail, since a part it needs dies."""
    match this.change:
        case "push":
            app.commit({"VERSION": f"code{this.number}"})
            return lambda: app.push(check=False)
        case "config":
            return lambda: app.kedge("config:set", f"GREETING=config{this.number}", check=False)
        case "restart":
            return lambda: app.kedge("ps:restart", check=False)
        case _:
            return lambda: app.kedge("rollback", "--yes", check=False)


@pytest.mark.timeout(120 + 40 * ROUNDS)
def test_any_part_may_die_at_any_moment(platform, app):
    """Kill -9 of each part during pushes, config changes, rollbacks and restarts, with visitors.

    Afterwards the head release answers through the router with its version, the dynos are those of
    the formation, nothing is left over or pending, no release is lost, and the next push works. No
    visitor of the old version notices, but when HAProxy itself was killed, for two seconds.
    """
    for this in rounds():
        pid = platform.part(this.part)["pid"]
        killed_at, report = _kill_during(platform, app, this, pid)
        told = f"{this}, seed {SEED}"
        killed = {this.part: pid}
        wait_until(lambda k=killed: platform.is_back(k), REST_SECONDS, f"back after {told}")
        _come_to_rest(app, told)
        assert _unexcused(report, this, killed_at) == [], told
        assert app.kedge("releases:verify").returncode == 0
        _change_again(app, this)


def _change_again(app: App, this: Round) -> None:
    """A change by the part that was killed, whole again; it is live when it returns."""
    word = f"after{this.number}"
    if this.part in PUSHED_THROUGH:
        app.commit({"VERSION": word})
        app.push()
    else:
        app.kedge("config:set", f"GREETING={word}")
    assert word in app.get().text.split()[:2], this


def _kill_during(platform: Installation, app: App, this: Round, pid: int) -> tuple[float, Report]:
    """Kill the part, while the change goes on; when that was, and what visitors met."""
    with Load(platform.http_port, f"{app.name}.localhost", kinds="kept,fresh") as load:
        changing = threading.Thread(target=change_of(app, this))
        changing.start()
        time.sleep(this.after_seconds)
        killed_at = time.time()
        os.kill(pid, signal.SIGKILL)
        changing.join(120)
        assert not changing.is_alive(), f"the change never ended: {this}"
        return killed_at, load.stop()


def _come_to_rest(app: App, told: str) -> None:
    deadline = time.monotonic() + REST_SECONDS
    while found := complaints(app):
        assert time.monotonic() < deadline, f"{found} after {told}\n{app.platform.logs()}"
        time.sleep(0.3)


def _unexcused(report: Report, this: Round, killed_at: float) -> list[dict[str, str | float]]:
    """Failed requests but those while HAProxy itself was away."""
    grace = HAPROXY_SECONDS if this.part == "haproxy" else 0.0
    return [
        row for row in report.failures if not killed_at <= float(row["at"]) <= killed_at + grace
    ]
