"""A pusher, as git's hook hands its push over, with a worker whose builds run at once."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import uuid
from dataclasses import replace
from types import SimpleNamespace

from kedge.engine.git import Repositories
from kedge.git.receive import Push, receive
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

    def push(self, commit=None):
        """Begin to push a new commit, or one that is there; the commit."""
        commit = commit or self._commit()
        push = Push(
            actor=self.owner.actor, app_id=uuid.UUID(self.app.id), app_name="hello",
            repository=self.path, updates=[Update(self.main(), commit, "refs/heads/main")],
            environment={}, show=self._show, is_gone=self.is_gone.is_set,
        )  # fmt: skip
        services = replace(self.services, queue=self.worker)
        self._thread = threading.Thread(target=self._run, args=(services, push))
        self._thread.start()
        return commit

    def main(self):
        """Where main points, all zeros for nowhere."""
        return self._git("for-each-ref", "--format=%(objectname)", "refs/heads/main") or "0" * 40

    def move(self, commit):
        """Move main, as git does when a push was accepted."""
        self._git("update-ref", "refs/heads/main", commit)

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
        return self._git("commit-tree", tree, "-m", uuid.uuid4().hex)

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
