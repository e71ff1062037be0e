"""Commands inside a dyno of the real engine: terminals, environments, and those that do not go."""

from __future__ import annotations

import pytest

from contract.lab import Lab, wait_until

pytestmark = pytest.mark.docker


def said(lab: Lab, runtime_id: str, command: str, *, tty: bool = False, **env: str) -> str:
    """All that a command inside a dyno writes."""
    inside = lab.runtime.execute(runtime_id, command, env, tty=tty)
    inside.start()
    return b"".join(iter(inside.receive, b"")).decode()


def test_it_begins_as_the_dyno_itself(docker_lab: Lab):
    """In /app, as the dyno's user, with its variables and its profile scripts."""
    slug = docker_lab.slug(**{".profile": b"export FROM_PROFILE=yes\n"})
    runtime_id = docker_lab.run("hang", slug=slug, env={"PORT": "5000", "DYNO": "web.1"})
    told = said(docker_lab, runtime_id, "echo $PWD $USER$(id -u) $DYNO $FROM_PROFILE $HOME $MORE")
    assert said(docker_lab, runtime_id, "echo $MORE", MORE="x") == "x\n"
    assert told == "/app 1000 web.1 yes /app\n"


def test_a_terminal_has_its_size_from_the_start(docker_lab: Lab):
    """A command sees a terminal as large as the one of who runs it."""
    runtime_id = docker_lab.run("hang")
    size = {"COLUMNS": "101", "LINES": "33", "TERM": "xterm"}
    assert said(docker_lab, runtime_id, "stty size", tty=True, **size) == "33 101\r\n"
    assert said(docker_lab, runtime_id, "[ -t 0 ] || echo none", **size) == "none\n"


def test_what_ignores_the_hangup_is_killed_with_all_it_started(docker_lab: Lab):
    """SIGKILL after the time given, also for children that went into the background."""
    runtime_id = docker_lab.run("hang")
    stubborn = "trap '' HUP; (sleep 1001 &) ; echo ready; while :; do sleep 0.1; done"
    inside = docker_lab.runtime.execute(runtime_id, stubborn, {}, tty=False)
    inside.start()
    assert inside.receive() == b"ready\n"
    inside.hang_up(1)
    while inside.receive():
        pass
    assert inside.exit_status() == 137
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    wait_until(lambda: "1001" not in said(docker_lab, runtime_id, look))
    assert docker_lab.status(runtime_id) == "running"
