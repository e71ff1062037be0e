"""Programs a buildpack runs: their output indented, line by line, as it comes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from _lib import screen


def run_shown(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, keep_lines: int = 200
) -> tuple[int, list[str]]:
    """Run a program; its exit status (128 + number when a signal ended it) and its last lines."""
    running = subprocess.Popen(
        arguments,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    assert running.stdout is not None  # noqa: S101  (opened as a pipe)
    for raw in running.stdout:
        line = raw.decode(errors="replace").rstrip().rsplit("\r", 1)[-1]
        screen.detail(line)
        lines = [*lines[-keep_lines:], line]
    status = running.wait()
    return (status if status >= 0 else 128 - status), lines


def run_silent(arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> int:
    """Run a program whose output tells nobody anything; its exit status."""
    return subprocess.run(
        arguments, env=dict(env), cwd=cwd, capture_output=True, check=False
    ).returncode


def output_of(arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> str:
    """What a short program prints. Raises CalledProcessError when it fails."""
    done = subprocess.run(
        arguments, env=dict(env), cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout
