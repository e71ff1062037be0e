"""Crowds: more pushes and streams at once than there are places, beside config changes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest

from api.test_server import gunicorn
from kedge.ops import outputs

THREADS, PLACES, STREAMS = 40, 10, 20  # as settings.py has them for so many threads


@pytest.fixture
def server(services, owner):
    """Gunicorn with forty threads, on four connections to the database."""
    services.settings.run_dir.mkdir(parents=True, exist_ok=True)
    with gunicorn(services, owner, THREADS, KEDGE_WEB_THREADS=str(THREADS)) as running:
        yield running


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit to push."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Procfile").write_text("web: python app.py\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "One"]):
        subprocess.run(["git", *command], cwd=folder, check=True, env=environment())
    return folder


def test_a_crowd_of_pushes_leaves_the_api_answering(server, owner, repository):
    """Twenty pushes wait for their builds, half are refused, and config is set meanwhile."""
    names = [f"app-{number}" for number in range(PLACES * 2)]
    for name in [*names, "hello"]:
        assert server.client.post("/apps", json={"name": name}).status_code == 201
    pushers = [pushing(repository, server.port, owner.token, name) for name in names]
    try:
        until(lambda: sum(push.poll() is not None for push in pushers) == PLACES)
        refused = [push.stderr.read() for push in pushers if push.poll() is not None]
        words = f"Kedge serves {PLACES} pushes and fetches already, the most at the same time."
        assert [words in said for said in refused] == [True] * PLACES, refused
        assert all(push.returncode for push in pushers if push.poll() is not None)
        until(lambda: building(server, names) == PLACES)
        assert set_config(server) == [200] * 20
    finally:
        for push in pushers:
            end(push)
    until(lambda: building(server, names) == 0)
    late = pushing(repository, server.port, owner.token, "hello")
    until(lambda: building(server, ["hello"]) == 1)
    end(late)


def test_a_crowd_of_readers_leaves_the_api_answering(server, services):
    """Forty follow an output that says nothing: half of them may, and config is set meanwhile."""
    hello = server.client.post("/apps", json={"name": "hello"}).json()
    output_id = uuid.uuid4()
    with services.database.transaction() as tx:
        outputs.open_in(tx, uuid.UUID(hello["id"]), output_id)
    outputs.write(services, output_id, b"first\n")
    with ExitStack() as stack:
        answers = [stack.enter_context(reading(server, output_id)) for _ in range(STREAMS * 2)]
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * STREAMS + [503] * STREAMS
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert "already, the most at the same time" in json_of(refused)["message"]
        assert set_config(server) == [200] * 20
    until(lambda: status_of(server, output_id) == 200)


def set_config(server):
    """The statuses of twenty config changes, four at a time."""

    def change(number):
        body = {f"KEY_{number}": "1"}
        return server.client.patch("/apps/hello/config-vars", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(change, range(20)))


def pushing(repository, port, token, name):
    url = f"http://x:{token}@127.0.0.1:{port}/{name}.git"
    return subprocess.Popen(
        ["git", "push", url, "main"], cwd=repository, env=environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def end(push):
    """Kill a push with its helpers, as a closed terminal does."""
    with suppress(ProcessLookupError):
        os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    push.stderr.close()


def building(server, names):
    """How many of the apps have a build that has not ended."""
    found = [server.client.get(f"/apps/{name}/builds").json() for name in names]
    return sum(any(build["status"] == "pending" for build in builds) for builds in found)


def reading(server, output_id):
    return httpx.stream(
        "GET", f"http://127.0.0.1:{server.port}/output/{output_id}", timeout=20, trust_env=False,
        verify=False,
    )  # fmt: skip


def status_of(server, output_id):
    with reading(server, output_id) as answer:
        return answer.status_code


def json_of(answer):
    answer.read()
    return answer.json()


def environment():
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **dict.fromkeys(names, "a"), "GIT_TERMINAL_PROMPT": "0"}


def until(condition):
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
