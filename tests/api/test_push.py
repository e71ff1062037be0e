"""A push from its hook to its end: which release it follows, and who still waits for it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kedge.engine.git import Repositories
from kedge.git import receive as receiving
from kedge.git.receive import Push, receive
from kedge.model.build import Build
from kedge.ops import builds
from kedge.plan.push import Update


class Worker:
    """A queue whose builds run at once, each in a thread."""

    def __init__(self, services, builder):
        self.services, self.builder, self.threads = services, builder, []

    def build(self, build_id):
        run = threading.Thread(target=builds.run, args=(self.services, self.builder, build_id))
        self.threads.append(run)
        run.start()


class Pusher:
    """Pushes to the app `hello` as its hook does; `screen` is what is shown."""

    def __init__(self, services, owner, app, deployer):
        self.services, self.owner, self.app = services, owner, app
        self.worker = Worker(services, deployer.builder)
        self.path = Repositories(services.settings.home / "repos", 10).ensure(uuid.UUID(app.id))
        self.lock = SimpleNamespace(is_alive=lambda: True)
        self.is_gone, self.is_stalled = threading.Event(), threading.Event()
        self.screen, self.accepted = "", None

    def push(self):
        """Begin to push a new commit."""
        commit = self._commit()
        push = Push(
            actor=self.owner.actor, app_id=uuid.UUID(self.app.id), app_name="hello",
            repository=self.path, updates=[Update("0" * 40, commit, "refs/heads/main")],
            environment={}, show=self._show, is_gone=self.is_gone.is_set,
        )  # fmt: skip
        services = replace(self.services, queue=self.worker)
        self._thread = threading.Thread(target=self._run, args=(services, push))
        self._thread.start()

    def until(self, words):
        """Wait until the screen shows this."""
        until(lambda: words in self.screen)

    def ended(self):
        """Whether git may move the ref, when the push has ended."""
        self._thread.join(30)
        for thread in self.worker.threads:
            thread.join(30)
        return self.accepted

    def _run(self, services, push):
        self.accepted = receive(services, push, self.lock)

    def _show(self, text):
        while self.is_stalled.is_set():
            time.sleep(0.01)
        self.screen += text

    def _commit(self):
        blob = self._git("hash-object", "-w", "--stdin", stdin="web: python app.py\n")
        tree = self._git("mktree", stdin=f"100644 blob {blob}\tProcfile\n")
        return self._git("commit-tree", tree, "-m", "One")

    def _git(self, *arguments, stdin=""):
        names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
        return subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, check=True, text=True,
            env={**os.environ, **dict.fromkeys(names, "a")}, stdout=subprocess.PIPE,
        ).stdout.strip()  # fmt: skip


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def pusher(services, owner, hello, deployer):
    made = Pusher(services, owner, hello, deployer)
    yield made
    made.is_stalled.clear()
    made.is_gone.set()
    deployer.builder.gate.set()
    made.ended()


def test_a_push_ends_with_its_release(pusher, deployer):
    """It is accepted when the release is live, and not before."""
    pusher.push()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is True
    assert "done.\n" in pusher.screen


@pytest.mark.parametrize("is_live", [True, False])
def test_a_push_whose_code_went_on_with_a_config_change(api, pusher, deployer, is_live):
    """Its release expired, and a later one has its code: that one's end is the push's."""
    pusher.push()
    pusher.until("Verifying deploy")
    api.patch("/apps/hello/config-vars", {"A": "1"})
    api.patch("/apps/hello/config-vars", {"B": "1"})
    deployer.expire("hello", 3)
    deployer.expire("hello", 4)
    if is_live:
        deployer.go_live("hello", 5)
    else:
        deployer.fail("hello", 5)
    assert pusher.ended() is is_live
    assert ("Release v5 failed: It did not boot." in pusher.screen) is not is_live


def test_a_push_that_another_deploy_overtook(api, pusher, deployer):
    """No later release has its code: it is accepted, and told which one came instead."""
    first = deployer.deploy(Procfile="web: python first.py\n")
    pusher.push()
    pusher.until("Verifying deploy")
    api.post("/apps/hello/releases", {"slug": first["slug"]["id"]})
    deployer.expire("hello", 4)
    assert pusher.ended() is True
    assert "superseded by v5" in pusher.screen


def test_a_push_that_lost_its_place_moves_no_ref(pusher, deployer):
    """The lock went with the database's connection: another push may have begun meanwhile."""
    pusher.lock = SimpleNamespace(is_alive=lambda: False)
    pusher.push()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is False
    assert "another push may have begun. Push again." in pusher.screen


def test_a_pusher_whose_terminal_is_stopped_is_waited_for(
    api, services, pusher, deployer, monkeypatch
):
    """Who takes no output for a while is still there: the build goes on, and is attended."""
    monkeypatch.setattr(receiving, "GONE_SECONDS", 0.02)
    monkeypatch.setattr(receiving, "ATTEND_SECONDS", 0.05)
    deployer.builder.gate.clear()
    pusher.push()
    pusher.until("Building on the Fake stack")
    pusher.is_stalled.set()
    before = attended_until(api, services)
    until(lambda: attended_until(api, services) > before)
    before = attended_until(api, services)
    until(lambda: attended_until(api, services) > before)
    pusher.is_stalled.clear()
    deployer.builder.gate.set()
    pusher.until("Verifying deploy")
    deployer.go_live("hello", 3)
    assert pusher.ended() is True


def test_a_pusher_who_left_while_nothing_was_taken_ends_the_build(
    api, pusher, deployer, monkeypatch
):
    """Also when what is shown is stuck on its way, a closed connection is noticed."""
    monkeypatch.setattr(receiving, "GONE_SECONDS", 0.02)
    deployer.builder.gate.clear()
    pusher.push()
    pusher.until("Building on the Fake stack")
    pusher.is_stalled.set()
    pusher.is_gone.set()
    until(lambda: api.get("/apps/hello/builds")[0]["status"] == "failed")
    pusher.is_stalled.clear()
    assert pusher.ended() is False


def attended_until(api, services):
    """How long the app's build counts as attended."""
    build_id = uuid.UUID(api.get("/apps/hello/builds")[0]["id"])
    with services.database.transaction() as tx:
        return tx.get_one(Build, build_id).attended_until
