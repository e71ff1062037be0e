"""What wakes keep to, in memory and over Redis."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.lab import wait_until
from kedge.engine.fakes import FakeWakes
from kedge.engine.protocols import Wakes


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Redis of our own, there to the end: waiting threads go on asking for it."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    socket = tmp_path_factory.mktemp("r") / "r.sock"
    words = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(words, cwd=socket.parent, stdout=subprocess.DEVNULL)
    try:
        wait_until(socket.exists)
        yield socket
    finally:
        server.kill()
        server.wait()


@pytest.fixture(params=["fake", "redis"])
def pair(request: pytest.FixtureRequest) -> tuple[Wakes, Wakes]:
    """Two ends of the same wakes: two processes' for Redis, the same one in memory."""
    if request.param == "fake":
        wakes = FakeWakes()
        return wakes, wakes
    from kedge.engine.wakes import RedisWakes

    socket = request.getfixturevalue("redis_socket")
    return RedisWakes(f"unix://{socket}"), RedisWakes(f"unix://{socket}")


class Waiting:
    """Someone who waits for a topic in a thread."""

    def __init__(self, wakes: Wakes, topic: str) -> None:
        self.woken: bool | None = None
        self._thread = threading.Thread(target=self._wait, args=(wakes, topic), daemon=True)
        self._thread.start()

    def _wait(self, wakes: Wakes, topic: str) -> None:
        self.woken = wakes.wait(topic, 20)


def test_wakes_who_waits(pair: tuple[Wakes, Wakes]):
    """Who waits for a topic is woken by the other end; wakes may come early, so they repeat."""
    here, there = pair
    waiting = Waiting(here, "app")

    def woken() -> bool:
        there.wake("app")
        return waiting.woken is True

    wait_until(woken)


def test_other_topics_do_not(pair: tuple[Wakes, Wakes]):
    """A wake of another topic wakes nobody; the wait ends with its time."""
    here, there = pair
    began_at = time.monotonic()
    threading.Timer(0.05, there.wake, args=("other",)).start()

    assert here.wait("app", 0.3) is False
    assert time.monotonic() - began_at >= 0.3


def test_a_listener_is_told_when_it_may_have_missed_wakes(tmp_path: Path):
    """After an outage of Redis a listener looks at everything: what was woken meanwhile is lost."""
    from kedge.engine.protocols import ANY_TOPIC
    from kedge.engine.wakes import RedisWakes

    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    socket, heard = tmp_path / "r.sock", []
    words = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) as server:
        wait_until(socket.exists)
        wakes = RedisWakes(f"unix://{socket}")
        wakes.subscribe(heard.append)
        wait_until(lambda: heard == [ANY_TOPIC])
        server.kill()
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) as server:
        wait_until(lambda: heard == [ANY_TOPIC] * 2)
        server.kill()
