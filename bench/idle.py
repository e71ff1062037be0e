"""What the platform costs when nobody asks anything of it: memory and processor, one app.

Memory is the proportional set size of all its processes (what they share is counted once);
PostgreSQL, Redis and HAProxy included, dynos and the container engine not.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from measured import checkout, platform, table, verdict

from system.load import VISITED

SETTLE_SECONDS = 20
MEASURED_SECONDS = 60
MEMORY_TARGET_MB = 450
PROCESSOR_TARGET_PERCENT = 2.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment."""

    processor_seconds: float
    switches: int
    megabytes: float


def usage(pid: int) -> Usage:
    """What a process has used up to now."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    rollup = (process / "smaps_rollup").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    switches = 0
    for task in (process / "task").iterdir():
        lines = (task / "status").read_text().splitlines()
        switches += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))
    return Usage((int(fields[11]) + int(fields[12])) / TICKS, switches, kilobytes / 1024)


def tree(root: int) -> dict[int, int]:
    """A process and all below it, each with its parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found, fresh = {root: 0}, {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh}
        found |= {pid: parents[pid] for pid in fresh}
    return found


def main() -> None:
    """Measure and print."""
    with platform() as made, checkout() as folder:
        app = made.app(VISITED, folder)
        app.push()
        app.kedge("config:set", "GREETING=once")
        time.sleep(SETTLE_SECONDS)
        parts = {made.part(name)["pid"]: name for name in _names()}
        below = tree(_up_pid(parts))
        before = {pid: usage(pid) for pid in below}
        began = time.monotonic()
        time.sleep(MEASURED_SECONDS)
        lasted = time.monotonic() - began
        after = {pid: usage(pid) for pid in before if Path(f"/proc/{pid}").exists()}
    _print(parts, below, before, after, lasted)


def _names() -> tuple[str, ...]:
    return ("web", "worker", "clock", "dynos", "addons", "router", "haproxy", "postgres", "redis")


def _up_pid(parts: dict[int, str]) -> int:
    """`kedge up`: the parent of the parts' supervisor."""
    pid = next(iter(parts))
    for _ in range(2):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def _print(
    parts: dict[int, str],
    below: dict[int, int],
    before: dict[int, Usage],
    after: dict[int, Usage],
    lasted: float,
) -> None:
    memory: dict[str, float] = defaultdict(float)
    processor: dict[str, float] = defaultdict(float)
    switches: dict[str, float] = defaultdict(float)
    for pid, used in after.items():
        name, above = parts.get(pid), pid
        while name is None and above:
            above = below.get(above, 0)
            name = parts.get(above)
        name = name or "up"
        memory[name] += used.megabytes
        spent = used.processor_seconds - before[pid].processor_seconds
        processor[name] += 100 * spent / lasted
        switches[name] += (used.switches - before[pid].switches) / lasted
    total_mb, total_percent = sum(memory.values()), sum(processor.values())
    rows = [
        (name, f"{memory[name]:.0f} MB", f"{processor[name]:.2f} %", f"{switches[name]:.0f}/s")
        for name in ("up", *_names())
    ]
    rows.append(
        ("all", f"{total_mb:.0f} MB", f"{total_percent:.2f} %", f"{sum(switches.values()):.0f}/s")
    )
    rows.append(
        ("target",
         f"{MEMORY_TARGET_MB} MB: {verdict(total_mb, MEMORY_TARGET_MB)}",
         f"{PROCESSOR_TARGET_PERCENT} %: {verdict(total_percent, PROCESSOR_TARGET_PERCENT)}", "")
    )  # fmt: skip
    table(
        f"Idle with one app, {lasted:.0f} s (up: kedge up and the process supervisor)",
        ("part", "memory (PSS)", "of one core", "wake-ups"),
        rows,
    )


if __name__ == "__main__":
    main()
