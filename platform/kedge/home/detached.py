"""`kedge up --detach`: the same `kedge up` in the background, and a wait until it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kedge.errors import StartRefused
from kedge.home import installation as installations
from kedge.home import lock
from kedge.home.start import Say
from kedge.settings import Settings, environment


def run(settings: Settings, *, say: Say, processes: Path | None = None) -> int:
    """Start in the background; 0 once it is ready or when it runs already."""
    try:
        installations.establish(settings)
    except StartRefused as refusal:
        say(f"Kedge cannot start: {refusal.reason}")
        say(refusal.remedy)
        return 1
    pid = lock.holder(settings.home)
    if pid is not None:
        say(f"already running (pid {pid})")
        return 0
    return _relay(_spawn(settings, processes), say)


def leave_the_terminal(log: Path) -> None:
    """In the background process, once ready: write to its log from here on.

    That closes the pipe to the one who waits, which is what tells it to go.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.stdout.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _spawn(settings: Settings, processes: Path | None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kedge.home", "up", "--background"]
    return subprocess.Popen(
        command + (["--procfile", str(processes)] if processes else []),
        env={**os.environ, **environment(settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _relay(child: subprocess.Popen[str], say: Say) -> int:
    """Pass its lines on until it is ready (0) or has ended (its exit status)."""
    is_ready = False
    for line in child.stdout or ():
        say(line.rstrip("\n"))
        is_ready = line.startswith("Kedge is ready")
    return 0 if is_ready else child.wait()
