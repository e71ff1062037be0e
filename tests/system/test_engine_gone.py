"""Docker out of reach: said in words, apps answer on, and it all goes on when it is back."""

from __future__ import annotations

import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import memory
from system.conftest import apps_of
from system.installation import Installation, wait_until

SOCKET = Path("/var/run/docker.sock")
pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(not SOCKET.exists(), reason="the engine is not on the usual socket"),
]


class Cable:
    """A way to the engine that can be pulled out and put back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[socket.socket] = []
        self.plug()

    def plug(self) -> None:
        """Let callers through."""
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def pull(self) -> None:
        """End every conversation, and take no new one."""
        self._path.unlink(missing_ok=True)
        for held in [self._listener, *self._held]:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()
        self._held.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(str(SOCKET))
            self._held += [caller, engine]
            for one, other in ((caller, engine), (engine, caller)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    try:
        while chunk := one.recv(65536):
            other.sendall(chunk)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture(scope="module")
def cable():
    """The way to the engine."""
    with tempfile.TemporaryDirectory(prefix="kdg-") as folder:
        made = Cable(Path(folder) / "docker.sock")
        yield made
        made.pull()


@pytest.fixture(scope="module")
def wired(cable):
    """A platform that reaches its engine by the cable."""
    host = {"DOCKER_HOST": f"unix://{cable._path}"}
    made = Installation(memory.folder("kdg-"), host)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def wired_app(wired, tmp_path):
    """An app there, pushed and answering."""
    makers = apps_of(wired, tmp_path / "wired")
    app = next(makers)()
    app.push()
    yield app
    next(makers, None)


def test_without_its_engine_kedge_says_so_and_apps_serve(cable, wired_app):
    """Status and pushes name Docker; dynos answer and stay; afterwards config and pushes work."""
    app = wired_app
    before = {each.id for each in app.platform.containers(app=app.name)}
    cable.pull()
    wait_until(lambda: app.platform.part("docker")["state"] == "down", 30)
    app.commit({"VERSION": "two"})
    assert "Docker does not answer" in app.push(check=False)
    app.kedge("config:set", "GREETING=Later", "--no-wait")
    for _ in range(50):
        assert app.get().text == "Hello one web.1 v3"
    cable.plug()
    wait_until(lambda: app.platform.part("docker")["state"] == "up", 30)
    wait_until(lambda: app.get().text.startswith("Later one"), 60)
    assert "Released" in app.push()
    assert app.get().text.startswith("Later two")
    wait_until(lambda: len(app.platform.containers(app=app.name)) == 1)
    assert not before & {each.id for each in app.platform.containers(app=app.name)}


def test_a_build_whose_engine_goes_away_fails_in_words(cable, wired_app):
    """The pusher is told what does not answer, and the next push works when it is back."""
    app = wired_app
    app.commit({"requirements.txt": "", "bin/pre_compile": "sleep 300\n"})
    said = []
    pusher = threading.Thread(target=lambda: said.append(app.push(check=False)))
    pusher.start()
    wait_until(lambda: app.platform.containers(app=app.name, kind="build"), 60)
    cable.pull()
    pusher.join(60)
    assert said, "the pusher is not left waiting"
    assert "Docker does not answer" in said[0], said
    cable.plug()
    wait_until(lambda: not app.platform.containers(app=app.name, kind="build"), 60)
    app.commit({"bin/pre_compile": "echo quick\n"})
    assert "Released v4" in app.push()
    with suppress(httpx.HTTPError):
        assert app.get().status_code == 200
