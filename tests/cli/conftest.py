from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.fake_platform import TOKEN, FakePlatform, Rendezvous, certificates

SOURCE = Path(__file__).parents[2] / "platform"


@dataclass
class Done:
    status: int
    out: str
    err: str


Kedge = Callable[..., Done]


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person without a login, on a machine without a platform, outside of any checkout."""
    for name in list(os.environ):
        if name.startswith(("KEDGE_", "HEROKU_", "GIT_")) or name in ("NO_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    home = tmp_path / "person"
    work = home / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("KEDGE_HOME", str(tmp_path / "no-home"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.fixture
def fake() -> Iterator[FakePlatform]:
    platform = FakePlatform()
    yield platform
    platform.close()


@pytest.fixture
def platform(fake: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    """A platform that the person is set up for."""
    monkeypatch.setenv("KEDGE_URL", fake.url)
    monkeypatch.setenv("KEDGE_API_KEY", TOKEN)
    return fake


@pytest.fixture
def kedge(capfd: pytest.CaptureFixture[str]) -> Kedge:
    """Runs a command in this process, as without a terminal."""

    def run(*arguments: str) -> Done:
        from kedge.cli import program

        capfd.readouterr()
        status = program.run(arguments)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return run


@pytest.fixture
def program() -> Kedge:
    """Runs `kedge` as a program of its own."""

    def run(*arguments: str, stdin: bytes = b"", **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "kedge.cli", *arguments],
            input=stdin, capture_output=True, check=False, env=os.environ | more, timeout=60,
        )  # fmt: skip
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def rendezvous(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rendezvous]:
    ca_file, context = certificates(tmp_path)
    monkeypatch.setenv("KEDGE_CA", str(ca_file))
    server = Rendezvous(platform, context)
    yield server
    server.close()


@pytest.fixture
def checkout() -> Callable[..., str]:
    """Makes this folder a git checkout; out: a function that runs git in it."""

    def git(*arguments: str, stdin: str = "") -> str:
        return subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, text=True, check=True
        ).stdout

    git("init", "-q", "-b", "main")
    return git
