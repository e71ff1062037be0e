"""Parts, the supervisor and `kedge up` itself, killed with -9."""

from __future__ import annotations

import os
import signal

import pytest

from kedge.home import orphans
from kedge.home.supervisor import Supervisor

pytestmark = pytest.mark.postgres


def kill(pid):
    """End it as `kill -9` does."""
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("name", ["web", "worker", "redis", "postgres", "router", "haproxy"])
def test_a_part_that_dies_is_started_again(running, eventually, name):
    """Every part comes back under another process id, and Kedge is ready again within 10 s."""
    before = running.part(name)["pid"]
    kill(before)
    eventually(lambda: running.is_ready() and running.part(name)["pid"] != before, 10)


def test_a_killed_supervisor_is_replaced(running, eventually):
    """`kedge up` ends the orphans of a killed supervisor and starts everything again."""
    before = {part["name"]: part["pid"] for part in running.status()["parts"]}
    kill(Supervisor(running.installation).pid())
    eventually(lambda: not any(map(orphans.lives, before.values())), 10)
    eventually(running.is_ready, 10)


def test_the_next_up_takes_over_what_a_killed_one_left(running):
    """After kill -9 of `kedge up` its parts go on, and the next `up` keeps the same processes."""
    before = {part["name"]: part["pid"] for part in running.status()["parts"]}
    kill(running.up_pid())
    assert running.is_ready()
    running.up()
    assert {part["name"]: part["pid"] for part in running.status()["parts"]} == before


def test_the_next_up_ends_what_has_other_settings(running):
    """What a killed `kedge up` left is ended and started anew when the settings have changed."""
    before = [part["pid"] for part in running.status()["parts"]]
    kill(running.up_pid())
    running.environment["KEDGE_BOOT_SECONDS"] = "61"
    running.up()
    assert not any(map(orphans.lives, before))
    assert running.is_ready()


def test_down_ends_what_a_killed_up_and_a_killed_supervisor_left(running):
    """With `kedge up` and the supervisor both gone, `kedge down` finds every orphan."""
    before = [part["pid"] for part in running.status()["parts"]]
    kill(running.up_pid())
    kill(Supervisor(running.installation).pid())
    assert all(map(orphans.lives, before))
    running.down()
    assert not any(map(orphans.lives, before))
    assert running.left() == []
