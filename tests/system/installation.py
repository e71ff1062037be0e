"""A whole platform under test: started by `kedge up`, used by git, the CLI and the API."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import docker
import httpx

import memory
from kedge import settings
from kedge import settings as configuration
from kedge.engine.docker.traces import remove_all
from kedge.home import commands
from kedge.home import installation as installations
from kedge.home.status import Status
from kedge.home.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
KEDGE = Path(sys.executable).parent / "kedge"
APPS = ROOT / "tests" / "apps"
NEXT = "-build-next"
# For addresses without TLS: the bundle of authorities is not read for nothing, 30 ms each time.
PLAIN = False


def free_ports(count: int) -> list[int]:
    """Ports nothing listens on now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@cache
def engine() -> docker.DockerClient:
    """The engine, for whoever asks it again and again."""
    return docker.from_env()


def wait_until(condition: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """What the condition gives as soon as it is true; fails after a while."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what or condition}"
        time.sleep(0.05)
    return found


@dataclass
class Installation:
    """One `kedge up`, in a home and on ports of its own."""

    home: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http_port, self.https_port, self.rendezvous_port = free_ports(3)
        self.url = f"http://localhost:{self.http_port}"

    # --- the platform as a whole ---

    @property
    def environment(self) -> dict[str, str]:
        """What its commands are run with."""
        named = {
            "KEDGE_HOME": self.home,
            "KEDGE_HTTP_PORT": self.http_port,
            "KEDGE_HTTPS_PORT": self.https_port,
            "KEDGE_RENDEZVOUS_PORT": self.rendezvous_port,
        }
        unwanted = {"DATABASE_URL", "REDIS_URL", "KEDGE_URL", "KEDGE_APP"}
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        return {**kept, **{k: str(v) for k, v in named.items()}, **self.extra}

    def up(self) -> None:
        """Start it, and wait until it is ready."""
        done = self.kedge("up", "--detach", timeout=90, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"

    def down(self, *arguments: str) -> None:
        """Stop it."""
        self.kedge("down", *arguments, timeout=60)

    @property
    def id(self) -> str:
        """The installation's id, in the labels of its containers."""
        return (self.home / "installation").read_text().strip()

    @property
    def token(self) -> str:
        """The owner's token."""
        return (self.home / "token").read_text().strip()

    def logs(self) -> str:
        """The ends of the parts' own logs, to see why a test failed."""
        tails = [f"== {p.name}\n{p.read_text()[-3000:]}" for p in self.home.glob("log/*.log")]
        return "\n".join(tails)

    def status(self) -> Status:
        """What `kedge status` finds, without a process each time."""
        return commands.status(settings.load(self.environment))

    def is_ready(self) -> bool:
        """Whether every part is up."""
        return self.status().ready

    def part(self, name: str) -> dict[str, Any]:
        """A part as `kedge status` tells it."""
        return next(part.as_json() for part in self.status().parts if part.name == name)

    def kill(self, name: str) -> int:
        """Kill -9 a part; the pid it had."""
        pid: int = self.part(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_and_wait(self, *names: str, seconds: float = 60) -> None:
        """Kill -9 parts, and wait until they are back."""
        pids = {name: self.kill(name) for name in names}
        wait_until(lambda: self.is_back(pids), seconds, f"back after {', '.join(names)}")

    def is_back(self, pids: Mapping[str, int]) -> bool:
        """Whether every part is up, these parts under other process ids than they had.

        A moment after its death a part still counts as up, and a killed proxy's child still serves.
        """
        status = self.status()
        found = {part.name: part.as_json()["pid"] for part in status.parts}
        return status.ready and all(found[name] not in {pid, None} for name, pid in pids.items())

    def stop_part(self, name: str) -> None:
        """Have the process supervisor stop a part, which keeps it away."""
        self._supervise("stop", name)

    def start_part(self, name: str) -> None:
        """Have it started again."""
        self._supervise("start", name)

    def _supervise(self, verb: str, name: str) -> None:
        installation = installations.find(settings.load(self.environment))
        assert installation is not None
        url = f"unix://{installation.supervisor_socket}"
        process = next(
            f"{each.group}:{each.name}"
            for each in Supervisor(installation).processes().values()
            if each.name == name
        )
        control = [str(KEDGE.with_name("supervisorctl")), "-s", url, verb, process]
        subprocess.run(control, check=True, capture_output=True, timeout=30)

    def containers(self, **labels: str) -> list[Any]:
        """Its containers, running or not, with these further labels (`app="shop"`).

        Without the one that waits for a build, which comes and goes by itself.
        """
        return [each for each in self._labelled(labels) if not each.name.endswith(NEXT)]

    def standing_by(self) -> list[Any]:
        """The containers that wait for a build: one, a second after the last one."""
        return [each for each in self._labelled({"kind": "build"}) if each.name.endswith(NEXT)]

    def _labelled(self, labels: Mapping[str, str]) -> list[Any]:
        wanted = [f"kedge.home={self.id}", *(f"kedge.{k}={v}" for k, v in labels.items())]
        return engine().containers.list(all=True, filters={"label": wanted}, ignore_removed=True)

    def destroy(self) -> None:
        """Leave nothing behind: processes, containers, network, volumes, images, files."""
        installation = self.id if (self.home / "installation").exists() else None
        self.kedge("down", "--stop-dynos", timeout=60, check=False)
        if installation:
            sweep_engine(installation)
        shutil.rmtree(self.home, ignore_errors=True)

    # --- using it ---

    def kedge(
        self,
        *arguments: str,
        cwd: Path | None = None,
        timeout: float = 120,
        check: bool = True,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        done = subprocess.run(
            [str(KEDGE), *arguments],
            cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=timeout,
            input=stdin if stdin is not None else "",
            check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            msg = f"kedge {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
            raise AssertionError(f"{msg}\n{self.logs()}")
        return done

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask the API."""
        return httpx.request(
            method,
            self.url + path,
            json=body,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.heroku+json; version=3",
                **headers,
            },
            timeout=60,
            verify=PLAIN,
        )

    def get(self, app: str, path: str = "/", **options: Any) -> httpx.Response:
        """Visit an app through the router."""
        headers = {"Host": f"{app}.localhost", **options.pop("headers", {})}
        url = f"http://127.0.0.1:{self.http_port}{path}"
        return httpx.get(
            url, headers=headers, timeout=options.pop("timeout", 35), verify=PLAIN, **options
        )

    def app(self, files: Mapping[str, str] | str, folder: Path, name: str | None = None) -> App:
        """An app of these files (or of a folder under tests/apps), created and ready to push."""
        name = name or f"app-{secrets.token_hex(4)}"
        created = self.api("POST", "/apps", {"name": name})
        assert created.status_code == 201, created.text
        made = App(self, name, folder / name)
        made.checkout(files)
        return made


@dataclass
class App:
    """An app with a git checkout that leads to it."""

    platform: Installation
    name: str
    folder: Path

    def checkout(self, files: Mapping[str, str] | str) -> None:
        """Make the checkout."""
        if isinstance(files, str):
            shutil.copytree(APPS / files, self.folder)
            files = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        token, port = self.platform.token, self.platform.http_port
        self.git("remote", "add", "kedge", f"http://x:{token}@localhost:{port}/{self.name}.git")
        self.commit(files)

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        """Write files and commit them; the commit's id."""
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def git(
        self, *arguments: str, check: bool = True, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run git in the checkout."""
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False,
            env={**self.platform.environment, "GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
        if check and done.returncode != 0:
            words = f"git {' '.join(arguments)} → {done.returncode}\n{done.stderr}"
            raise AssertionError(f"{words}\n{self.platform.logs()}")
        return done

    def push(self, *, ref: str = "main", check: bool = True) -> str:
        """Git push; what it said."""
        return self.git("push", "kedge", ref, check=check).stderr

    def kedge(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command about this app."""
        return self.platform.kedge(arguments[0], "--app", self.name, *arguments[1:], **options)

    def get(self, path: str = "/", **options: Any) -> httpx.Response:
        """Visit it through the router."""
        return self.platform.get(self.name, path, **options)

    def api(self, method: str, path: str = "", body: Any = None) -> Any:
        """Ask the API about it; the answer's JSON."""
        answer = self.platform.api(method, f"/apps/{self.name}{path}", body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def releases(self) -> list[dict[str, Any]]:
        """Its releases, oldest first."""
        found: list[dict[str, Any]] = self.api("GET", "/releases")
        return found

    def release(self, version: int) -> dict[str, Any]:
        """One of its releases."""
        return next(row for row in self.releases() if row["version"] == version)

    def head(self) -> int:
        """The number of the release that runs."""
        found: int = next(row["version"] for row in self.releases() if row["current"])
        return found

    def log(self, **filters: str) -> str:
        """Its log, the newest 1,500 lines."""
        arguments = [word for name, value in filters.items() for word in (f"--{name}", value)]
        return self.kedge("logs", "--num", "1500", *arguments).stdout


def remove_the_dead() -> None:
    """Remove the platforms of test runs that were killed; they would run for ever."""
    for home in memory.left("kdg-"):
        words = [str(KEDGE), "uninstall", "--confirm", str(home)]
        environment = {**os.environ, "KEDGE_HOME": str(home)}
        if (home / "installation").exists():
            subprocess.run(words, env=environment, capture_output=True, timeout=120, check=False)
        else:
            shutil.rmtree(home, ignore_errors=True)


def sweep_engine(installation: str) -> None:
    """Remove everything in the engine and its firewall that carries an installation's id."""
    remove_all(configuration.load(), installation)


HELLO = {
    "Procfile": "web: python3 server.py\n",
    "server.py": """
import http.server, os, signal, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(2)
        words = f"{os.environ.get('GREETING', 'Hello')} {open('VERSION').read().strip()}"
        self.answer(f"{words} {os.environ['DYNO']} {os.environ['HEROKU_RELEASE_VERSION']}".encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(str(len(body)).encode())
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Answer).serve_forever()
""",
    "VERSION": "one",
}
"""The smallest web app: no dependencies, so its build takes a second."""
