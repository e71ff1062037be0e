"""The commands of a document, to be run as a person would who follows it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(document: Path, heading: str) -> list[str]:
    """The commands under a heading, in order; what is shown as output is left out."""
    whole = document.read_text("utf-8")
    section = whole[whole.index(f"\n{heading}\n") :].split("\n## ", 2)[1]
    lines = "".join(_BLOCK.findall(section)).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def follow(script: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run the commands in one shell until one fails; all they said. What they began is ended."""
    lines = "\n".join(["set -euo pipefail", *script])
    shell = subprocess.Popen(
        ["bash", "-c", lines],
        cwd=folder, env={**os.environ, **environment}, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = shell.communicate(timeout=200)
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, said
    return said
