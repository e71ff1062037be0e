"""Stopping an installation: its parts, what they left, and the dynos where that is asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

from kedge.home import lock, orphans, postgres
from kedge.home.installation import Installation
from kedge.home.start import Say
from kedge.home.supervisor import Supervisor

# The parts' own times add up to 12 s (parts.py); 15 s is what everything may take.
PARTS_SECONDS = 13.0
LEFTOVER_SECONDS = 1.0
UP_SECONDS = 20.0
DYNO_KINDS = ("dyno", "run")


def stop(installation: Installation, say: Say) -> None:
    """Stop all parts. Dynos go on, unless they are to stop too."""
    if installation.settings.stop_dynos:
        installation.stop_dynos_flag.touch(mode=0o600)
    pids = orphans.find(installation)
    if Supervisor(installation).shut_down():
        _wait_for_end(pids, PARTS_SECONDS)
    orphans.end(orphans.find(installation), LEFTOVER_SECONDS)
    postgres.cease(installation)
    if installation.stop_dynos_flag.exists():
        stop_dynos(installation, say)
    _clear(installation)


def down(installation: Installation, *, dynos: bool, say: Say) -> None:
    """Stop an installation from outside: its `kedge up` if one runs, else what is left of it."""
    if dynos:
        installation.run_dir.mkdir(mode=0o700, exist_ok=True)
        installation.stop_dynos_flag.touch(mode=0o600)
    pid = lock.holder(installation.home)
    if pid:
        os.kill(pid, signal.SIGTERM)
        if not _lock_is_free(
            installation, UP_SECONDS + (installation.settings.kill_seconds if dynos else 0)
        ):
            os.kill(pid, signal.SIGKILL)
    stop(installation, say)


def stop_dynos(installation: Installation, say: Say) -> None:
    """Stop the containers dynos run in, with the time to end that dynos have."""
    found = _containers(installation)
    if not found:
        return
    say(f"-----> Stopping {len(found)} {'dyno' if len(found) == 1 else 'dynos'}")
    command = ["docker", "stop", "--time", str(installation.settings.kill_seconds), *found]
    subprocess.run(command, env=_environment(installation), stdout=subprocess.DEVNULL, check=False)


def _clear(installation: Installation) -> None:
    """A run-time folder outside the home goes; it is made anew at each start."""
    installation.stop_dynos_flag.unlink(missing_ok=True)
    if not installation.run_dir.is_relative_to(installation.home):
        shutil.rmtree(installation.run_dir, ignore_errors=True)


def _containers(installation: Installation) -> list[str]:
    found: list[str] = []
    for kind in DYNO_KINDS:
        labels = (f"label=kedge.home={installation.id}", f"label=kedge.kind={kind}")
        command = ["docker", "ps", "--quiet", "--filter", labels[0], "--filter", labels[1]]
        listed = subprocess.run(
            command, env=_environment(installation), capture_output=True, text=True, check=False
        )
        found += listed.stdout.split()
    return found


def _environment(installation: Installation) -> dict[str, str]:
    host = installation.settings.docker_host
    return {**os.environ, **({"DOCKER_HOST": host} if host else {})}


def _wait_for_end(pids: list[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(orphans.lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)


def _lock_is_free(installation: Installation, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while lock.holder(installation.home) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
