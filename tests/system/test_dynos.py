"""Dynos and whoever looks after them: nothing they say is lost, and none runs on for nobody."""

from __future__ import annotations

import subprocess
import threading

import pytest

from system.installation import HELLO, KEDGE, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TALKING = """
import itertools, threading, time
def talk():
    for number in itertools.count():
        print("still here", number, flush=True)
        time.sleep(0.05)
threading.Thread(target=talk, daemon=True).start()
"""


def test_a_size_larger_than_the_machine_runs_on_what_there_is(standing_app):
    """A one-off dyno of a size with more processors than the host has gets those of the host."""
    app = standing_app
    done = app.kedge("run", "--size", "performance-2xl", "--", "nproc; exit 7", check=False)
    assert done.returncode == 7, done.stderr
    assert int(done.stdout) >= 1


def test_the_only_words_of_a_dyno_that_dies_at_once_are_kept(new_app):
    """Though the old web.1 writes all the time under the same name: log and cause have them."""
    app = new_app({**HELLO, "server.py": TALKING + HELLO["server.py"]})
    app.push()
    app.commit({"Procfile": "web: echo 'no such table'; exit 5\n"})
    app.push(check=False)
    why = app.kedge("why", "v4").stdout
    assert "output: no such table" in why
    assert "still here" not in why
    assert app.log(dyno="web.1").count("app[web.1]: no such table") == 1


def test_an_attached_dyno_ends_when_its_client_is_lost_with_the_supervisor(standing_app):
    """After a kill -9 nobody is connected to it any more: it is hung up on, and has a status."""
    app = standing_app
    words = [str(KEDGE), "run", "-a", app.name, "--no-tty", "--", "sleep 1000"]
    environment, piped = app.platform.environment, subprocess.PIPE
    with subprocess.Popen(words, env=environment, stdin=piped, stderr=piped) as client:
        assert client.stderr is not None
        assert any(b"up, run." in line for line in client.stderr)  # connected, not only started
        app.platform.kill("dynos")
        assert client.wait(60) == 129
    wait_until(lambda: not app.platform.containers(app=app.name, kind="run"), 30)


def test_what_a_dyno_wrote_while_nobody_looked_is_kept(new_app):
    """It ends while the supervisor is down: read before its container goes, and told as a crash."""
    farewell = HELLO["server.py"].replace(
        "sys.exit(0)", "(print('last words', flush=True), os._exit(4))"
    )
    app = new_app({**HELLO, "server.py": farewell})
    app.push()
    app.platform.stop_part("dynos")
    try:
        ended = app.platform.containers(app=app.name)[0]
        ended.exec_run(["bash", "-c", "kill -TERM -1"], user="1000")
        wait_until(lambda: app.platform.containers(app=app.name)[0].status == "exited")
    finally:
        app.platform.start_part("dynos")
    wait_until(lambda: "State changed from up to crashed" in app.log(), 30)
    said = app.log(dyno="web.1")
    assert said.count("app[web.1]: last words") == 1
    assert "Process exited with status 4" in said
    wait_until(lambda: app.get().status_code == 200, 30)


def test_a_command_inside_a_dyno_sees_what_the_dyno_does(standing_app):
    """`run:inside` has the dyno's files, variables and processes, and its own exit status."""
    app = standing_app
    app.kedge("run:inside", "web.1", "--", "sh", "-c", "echo $DYNO > /tmp/here")
    done = app.kedge("run:inside", "web.1", "cat /tmp/here /app/VERSION; exit 6", check=False)
    assert (done.stdout, done.returncode) == ("web.1\none", 6)
    echoed = app.kedge("run:inside", "web.1", "--", "cat", stdin="through the wire\n")
    assert echoed.stdout == "through the wire\n"
    assert "server.py" in app.kedge("run:inside", "web.1", "cat /proc/*/cmdline").stdout
    assert "inside web.1 by user" in app.log(source="app")
    refused = app.kedge("run:inside", "web.7", "ls", check=False)
    assert (refused.returncode != 0, "that dyno" in refused.stderr) == (True, True)
    assert app.get().text == "Hello one web.1 v3"


def test_a_dyno_that_is_restarted_ends_what_runs_inside(new_app):
    """The command gets the SIGTERM every process of the dyno gets, and ends before the dyno."""
    slow = HELLO["server.py"].replace("sys.exit(0)", "(time.sleep(1), sys.exit(0))")
    assert slow != HELLO["server.py"]
    app = new_app({**HELLO, "server.py": slow})
    app.push()
    ended = []
    inside = threading.Thread(
        target=lambda: ended.append(
            app.kedge("run:inside", "web.1", "echo here; sleep 600", check=False)
        )
    )
    inside.start()
    wait_until(lambda: "sleep" in app.kedge("run:inside", "web.1", "cat /proc/*/cmdline").stdout)
    app.kedge("ps:restart", "web.1")
    inside.join(60)
    (done,) = ended
    assert done.stdout.startswith("here\n")
    assert done.returncode in {1, 143}, "its own, or unknown when the container went first"
