"""The static server over real sockets."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from buildpacks.places import BUILDPACKS

BIG = b"0123456789" * 2_000_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path):
    """A running server of a small site: (port, process)."""
    shutil.copytree(BUILDPACKS / "static/server", tmp_path / ".heroku/static")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("home")
    (tmp_path / "site/big.bin").write_bytes(BIG)
    (tmp_path / ".heroku/static/settings.json").write_text(
        json.dumps({"root": "site", "https_only": False})
    )
    port = free_port()
    running = subprocess.Popen(
        [sys.executable, "-u", str(tmp_path / ".heroku/static/serve.py")],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
    )
    assert running.stdout.readline().startswith(b"Serving")
    yield port, running
    running.kill()
    running.wait()
    running.stdout.close()


def test_one_connection_carries_many_requests(server):
    """Connections stay open between requests, errors included; HEAD sends no body."""
    connection = http.client.HTTPConnection("127.0.0.1", server[0], timeout=10)
    statuses = []
    for method, path in (("GET", "/"), ("GET", "/nothing"), ("HEAD", "/"), ("GET", "/")):
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        statuses.append((answer.status, len(body)))
    assert statuses == [(200, 4), (404, 10), (200, 0), (200, 4)]
    assert connection.sock is not None
    connection.close()


def test_other_methods_are_refused(server):
    """A method the server lacks is answered with 405 and those it has."""
    connection = http.client.HTTPConnection("127.0.0.1", server[0], timeout=10)
    connection.request("POST", "/", b"x" * 10)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    connection.close()


def test_a_download_ends_before_the_server_does(server):
    """SIGTERM during a download: no new connections, the download comes whole, exit status 0."""
    port, running = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/big.bin")
    answer = connection.getresponse()
    begun = answer.read(1000)
    running.send_signal(signal.SIGTERM)
    assert begun + answer.read() == BIG
    assert running.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.close()
