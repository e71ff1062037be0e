"""A real installation in a temporary home, with stand-ins for the application's own processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kedge.home import installation, lock, orphans, postgres
from kedge.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("platform", "router", "addons"))

# PostgreSQL syncs a new data folder to the disk, which is most of a first start's time.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# Answers every GET on the socket the `web` part listens on.
WEB = """
import http.server, os, socketserver
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"hi")
    def address_string(self): return "unix"
    def log_message(self, *_): pass
path = os.path.join(os.environ["KEDGE_RUN_DIR"], "web.sock")
if os.path.exists(path): os.unlink(path)
socketserver.ThreadingUnixStreamServer(path, Answer).serve_forever()
"""


def eventually(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until it gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


def free_ports(count: int) -> list[int]:
    """Ports nothing listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Home:
    """One installation under test; everything is done from outside, as a person would."""

    # A part that listens nowhere, and says that it is ready.
    WORKER = "sh -c 'touch $KEDGE_RUN_DIR/worker.ready; exec sleep 1000'"

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.work = work
        self.http_port, https_port, rendezvous_port = free_ports(3)
        self.environment = {
            "KEDGE_HOME": str(folder),
            "KEDGE_HTTP_PORT": str(self.http_port),
            "KEDGE_HTTPS_PORT": str(https_port),
            "KEDGE_RENDEZVOUS_PORT": str(rendezvous_port),
        }
        (work / "web.py").write_text(WEB)
        self.processes(web=f"python {work / 'web.py'}", worker=self.WORKER)

    def processes(self, **lines: str) -> None:
        """Write the Procfile."""
        self.procfile = self.work / "Procfile"
        self.procfile.write_text("".join(f"{name}: {line}\n" for name, line in lines.items()))

    def command(
        self, what: str, *options: str, **variables: str
    ) -> tuple[list[str], dict[str, str]]:
        """`kedge WHAT` as a program and its environment."""
        words = [sys.executable, "-m", "kedge.home", what, *options]
        if what in {"up", "status"}:
            words += ["--procfile", str(self.procfile)]
        environment = {**os.environ, "PYTHONPATH": SOURCES, **self.environment, **variables}
        for outside in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(outside, None)
        return words, environment | variables

    def run(self, what: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        words, environment = self.command(what, *options, **variables)
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=90, check=False, cwd="/"
        )

    def python(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run a program of ours with its environment."""
        _, environment = self.command("python")
        words = [sys.executable, "-c", program]
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=90, check=False, cwd="/"
        )

    def up(self, **variables: str) -> None:
        """`kedge up --detach`, which must work."""
        done = self.run("up", "--detach", **variables)
        assert done.returncode == 0, done.stdout + done.stderr + self.logs()

    def down(self) -> None:
        """`kedge down`, which must work."""
        done = self.run("down")
        assert done.returncode == 0, done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        """What `kedge status --json` prints."""
        found: dict[str, Any] = json.loads(self.run("status").stdout)
        return found

    def is_ready(self) -> bool:
        """Whether every part is up."""
        return self.run("status").returncode == 0

    def part(self, name: str) -> dict[str, Any]:
        """One part's status."""
        found: dict[str, Any] = next(p for p in self.status()["parts"] if p["name"] == name)
        return found

    @property
    def settings(self) -> Settings:
        """Its settings."""
        return load(self.environment)

    @property
    def installation(self) -> installation.Installation:
        """The installation in the folder, which must have been started once."""
        found = installation.find(self.settings)
        assert found is not None
        return found

    def up_pid(self) -> int:
        """The process id of its `kedge up`."""
        return int((self.folder / "up.lock").read_text())

    def left(self) -> list[int]:
        """Its processes, however they were started."""
        found = installation.find(self.settings)
        return orphans.find(found) if found else []

    def logs(self) -> str:
        """The ends of all its logs, for a failing test."""
        files = sorted((self.folder / "log").glob("*"))
        return "".join(f"\n== {file.name}\n{file.read_text()[-1500:]}" for file in files)

    def end(self) -> None:
        """End whatever is left of it, and take it away."""
        with contextlib.suppress(OSError):
            if pid := lock.holder(self.folder):  # who wrote its number there may be long gone
                os.kill(pid, signal.SIGKILL)
        orphans.end(self.left(), 1.0)
        found = installation.find(self.settings)
        if found:
            postgres.cease(found)
            shutil.rmtree(found.run_dir, ignore_errors=True)
        shutil.rmtree(self.folder.parent, ignore_errors=True)


@contextlib.contextmanager
def homes(work: Path) -> Iterator[Callable[..., Home]]:
    """Makes homes, and takes them away at the end of the block."""
    made: list[Home] = []

    def new(folder: Path | None = None) -> Home:
        own_work = work / f"work{len(made)}"
        own_work.mkdir()
        # Short, as an ordinary home's path is: sockets lie in it.
        folder = folder or Path(tempfile.mkdtemp(prefix="kedge-", dir=MEMORY)) / "home"
        made.append(Home(folder, own_work))
        return made[-1]

    try:
        yield new
    finally:
        for home in made:
            home.end()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """Makes homes for one test."""
    with homes(tmp_path) as new:
        yield new


@pytest.fixture
def home(new_home: Callable[..., Home]) -> Home:
    """A home that was never started."""
    return new_home()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that runs, for all tests of a module; each leaves it ready."""
    with homes(tmp_path_factory.mktemp("running")) as new:
        found = new()
        web = f"python {found.work / 'web.py'}"
        router = "python -m kedge_router agent"
        found.processes(release="true", web=web, worker=found.WORKER, router=router)
        found.up()
        yield found


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    """Waits until something is true."""
    return eventually
