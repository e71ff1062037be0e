"""Processes that must not outlive the one that started them, and logs nobody reads any more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import time
from kedge.parent import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
LOGGING = """
import sys, structlog
from kedge.log import configure
configure("info")
sys.stdin.readline()
structlog.get_logger().info("nobody.listens")
sys.exit(7)
"""


def test_a_process_ends_when_its_parent_is_killed():
    """A kill -9 of a server's first process takes its workers along."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _lives(child):
        assert time.monotonic() < deadline, "it outlives its parent"
        time.sleep(0.02)


def test_a_log_nobody_reads_fails_nothing():
    """Where the log's pipe is closed its lines are lost, and what is done goes on."""
    reads, writes = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", LOGGING], stdin=subprocess.PIPE, stderr=writes
    )
    os.close(writes)
    os.close(reads)
    process.communicate(b"\n", timeout=30)
    assert process.returncode == 7


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
