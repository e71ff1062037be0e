"""The API behind its real server: bytes that stream in and out, and clients that go away."""

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from kedge.engine.protocols import LogLine
from kedge.ops import outputs

TESTS = Path(__file__).parents[1]
THREADS = 3
MEGABYTE = 1024 * 1024


@pytest.fixture
def server(services, owner):
    """Gunicorn as in the Procfile, with few threads."""
    with gunicorn(services, owner, THREADS) as running:
        yield running


@contextmanager
def gunicorn(services, owner, threads, **more):
    """Gunicorn as in the Procfile, with so many threads and further variables."""
    port = _free_port()
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "platform")])
    command = [sys.executable, "-m", "gunicorn", "api.served:application", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", str(threads), "--bind"]
    environ = {"KEDGE_HOME": str(services.settings.home), "PYTHONPATH": path}
    environ |= more
    environ |= {"DATABASE_URL": services.settings.database_url, "PATH": os.environ["PATH"]}
    command += [f"127.0.0.1:{port}", "--log-level", "warning", "--no-control-socket"]
    command += ["--graceful-timeout", "5"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        headers = {"Authorization": f"Bearer {owner.token}"}
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20, trust_env=False
        )
        with client:
            _wait_until(lambda: _answers(client))
            yield SimpleNamespace(client=client, pid=process.pid, port=port)
        process.terminate()
        process.wait(timeout=30)


def test_a_large_upload_grows_no_process(server):
    """An archive of 120 MB, of a length told or not, goes to disk without growing the server."""
    archive = os.urandom(MEGABYTE)
    for headers in ({"Content-Length": str(120 * MEGABYTE)}, {}):
        url = server.client.post("/sources", json={}).json()["source_blob"]["put_url"]
        before = _peak_mb(server.pid)
        pieces = (archive for _ in range(120))
        answer = server.client.put(url, content=pieces, headers=headers)
        assert answer.json() == {"size": 120 * MEGABYTE}
        assert _peak_mb(server.pid) - before < 50


def test_a_body_that_is_too_large_is_answered(server):
    """Who sends 10 MB of JSON reads the answer 413, and may go on with the connection."""
    answer = server.client.post("/apps", content=b'{"name": "' + b"x" * 10_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json()["id"] == "request_entity_too_large"
    assert server.client.get("/account").status_code == 200


def test_what_comes_is_seen_at_once(server, services):
    """A tail and an output reach their reader line by line, as they are written."""
    app_id = uuid.UUID(server.client.post("/apps", json={"name": "hello"}).json()["id"])
    session = server.client.post("/apps/hello/log-sessions", json={"lines": 0, "tail": True})
    events = {"Accept": "text/event-stream"}
    with server.client.stream("GET", session.json()["logplex_url"], headers=events) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 10"
        for number in range(3):
            text = f"line {number}"
            services.logs.append(app_id, [LogLine(time.time_ns(), "app", "web.1", text)])
            assert next(line for line in lines if line.startswith("data:")).endswith(text)
    output_id = uuid.uuid4()
    outputs.begin(services, app_id, output_id)
    outputs.write(services, output_id, b"first\n")
    with server.client.stream("GET", f"/output/{output_id}") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "first"
        outputs.write(services, output_id, b"second\n")
        assert next(lines) == "second"
        outputs.finish(services, output_id)
        assert list(lines) == []


def test_readers_that_went_away_hold_nothing(server, services):
    """More readers of silent streams than there are threads come and go: others are served."""
    app_id = uuid.UUID(server.client.post("/apps", json={"name": "hello"}).json()["id"])
    output_id = uuid.uuid4()
    outputs.begin(services, app_id, output_id)
    outputs.write(services, output_id, b"first\n")
    for _ in range(THREADS * 2):
        with server.client.stream("GET", f"/output/{output_id}") as answer:
            assert next(answer.iter_lines()) == "first"
    assert server.client.get("/account").status_code == 200


def test_headers_that_are_too_large(server):
    """Headers larger than anybody sends are refused with 4xx, and the server goes on."""
    answer = server.client.get("/account", headers={"X-Large": "x" * 40_000})
    assert 400 <= answer.status_code < 500
    assert server.client.get("/account").status_code == 200


def _answers(client):
    try:
        return client.get("/account").status_code == 200
    except httpx.TransportError:
        return False


def _wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _peak_mb(pid):
    """The most memory the worker ever had, in MB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
