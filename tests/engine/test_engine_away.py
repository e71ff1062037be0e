"""A Docker engine that is away or does not answer: an error in words, never a hang."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contract.lab import Lab, wait_until
from kedge.engine.docker import client
from kedge.engine.docker.builder import DockerBuilder
from kedge.engine.docker.runtime import DockerRuntime
from kedge.engine.fakes import FakeSlugStore
from kedge.engine.slugs import slug_of
from kedge.errors import RuntimeDown
from kedge.settings import Settings

CALLS: dict[str, Callable[[DockerRuntime], Any]] = {
    "prepare": lambda it: it.prepare(slug_of([])),
    "forget": lambda it: it.forget("ab" * 32),
    "prepared": lambda it: it.prepared(),
    "create": lambda it: it.create(Lab(it, FakeSlugStore(), {}).spec("true")),
    "start": lambda it: it.start("x"),
    "containers": lambda it: it.containers(),
    "container": lambda it: it.container("x"),
    "signal": lambda it: it.signal("x", "TERM"),
    "remove": lambda it: it.remove("x"),
    "output": lambda it: list(it.output("x", since_ns=0, follow=True)),
    "attach": lambda it: it.attach("x"),
    "usage": lambda it: it.usage(),
    "listening": lambda it: it.listening("x"),
    "happenings": lambda it: list(it.happenings()),
    "tend": lambda it: it.tend(),
    "ping": lambda it: it.ping(),
}


class Engine:
    """Something on a unix socket that passes on to the real engine until told otherwise."""

    def __init__(self, path: Path) -> None:
        self.mute = False
        self.path = path
        self._held: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._held.append(peer)
            if not self.mute:
                self._pass_on(peer)

    def _pass_on(self, peer: socket.socket) -> None:
        real = socket.socket(socket.AF_UNIX)
        real.connect("/var/run/docker.sock")
        self._held.append(real)
        for one, other in ((peer, real), (real, peer)):
            threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while chunk := one.recv(65536):
                if not self.mute:
                    other.sendall(chunk)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def hang_up(self) -> None:
        """Break every connection, as an engine that is restarted does."""
        for held in self._held:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.close()
        self.hang_up()


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Engine]:
    """A mute engine."""
    engine = Engine(tmp_path / "docker.sock")
    engine.mute = True
    yield engine
    engine.close()


def runtime_at(path: Path, home: Path) -> DockerRuntime:
    settings = Settings(home=home, docker_host=f"unix://{path}")
    return DockerRuntime(settings, "00" * 6, FakeSlugStore())


@pytest.mark.parametrize("call", CALLS)
def test_away(call: str, tmp_path: Path):
    """Every call says that Docker does not answer, and what to look at."""
    runtime = runtime_at(tmp_path / "none.sock", tmp_path)
    with pytest.raises(RuntimeDown, match=r"Docker does not answer.*docker info"):
        CALLS[call](runtime)


@pytest.mark.parametrize("call", ["containers", "ping", "tend"])
def test_mute(call: str, stand_in: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An engine that takes the call and never answers is as good as away."""
    monkeypatch.setattr(client, "CALL_SECONDS", 0.2)
    with pytest.raises(RuntimeDown, match="Docker does not answer"):
        CALLS[call](runtime_at(stand_in.path, tmp_path))


def test_builds(tmp_path: Path):
    """A builder without an engine says so too."""
    settings = Settings(home=tmp_path, docker_host=f"unix://{tmp_path}/none.sock")
    builder = DockerBuilder(settings, "00" * 6, FakeSlugStore())
    for call in (lambda: builder.sweep(list), lambda: builder.forget_cache(uuid4())):
        with pytest.raises(RuntimeDown):
            call()


@pytest.mark.docker
class TestComingBack:
    @pytest.fixture
    def engine(self, tmp_path: Path, docker_lab: Lab) -> Iterator[Engine]:
        if not Path("/var/run/docker.sock").exists():
            pytest.skip("the engine is not on the usual socket")
        engine = Engine(tmp_path / "docker.sock")
        yield engine
        engine.close()

    @pytest.fixture
    def runtime(self, engine: Engine, docker_home: Any) -> DockerRuntime:
        """The runtime, reaching the real engine through one that can be cut off."""
        settings, installation = docker_home
        through = Settings(home=settings.home, docker_host=f"unix://{engine.path}")
        return DockerRuntime(through, installation, FakeSlugStore())

    def test_calls_work_again(self, engine: Engine, runtime: DockerRuntime):
        """After the engine hung up on everybody the next call works, without a new client."""
        assert runtime.ping()
        engine.hang_up()

        assert runtime.ping()
        assert isinstance(runtime.containers(), list)

    def test_happenings_end(self, engine: Engine, runtime: DockerRuntime):
        """Listening for events ends when the engine goes away, so that the caller looks again."""
        ended = threading.Event()

        def listen() -> None:
            for _ in runtime.happenings():
                pass
            ended.set()

        threading.Thread(target=listen, daemon=True).start()
        wait_until(lambda: runtime.ping() and len(engine._held) > 2)

        def gone() -> bool:
            engine.hang_up()
            return ended.wait(0.1)

        wait_until(gone)

    def test_following_says_so(self, engine: Engine, runtime: DockerRuntime, docker_lab: Lab):
        """Following a dyno's output raises or goes on when the engine hangs up, and ends never
        silently while the dyno runs.
        """
        runtime_id = docker_lab.run("echo one; sleep 1; echo two")
        following = runtime.output(runtime_id, since_ns=0, follow=True)
        assert next(following).text == "one"
        engine.hang_up()
        try:
            rest = [line.text for line in following]
        except RuntimeDown:
            return
        assert rest == ["two"]
