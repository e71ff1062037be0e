"""What containers use, from the kernel's files where they can be read, else from the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker.errors

from kedge.engine.docker.client import Engine, translated
from kedge.engine.protocols import Usage

BYTES_IN_MB = 1 << 20
NANOSECONDS = 1_000_000_000
CGROUPS = Path("/sys/fs/cgroup")
# Where Docker puts a container's groups: version 1 and 2, made by itself or by systemd.
PLACES = (
    ("memory/docker/{id}", "cpuacct/docker/{id}"),
    ("memory/system.slice/docker-{id}.scope", "cpuacct/system.slice/docker-{id}.scope"),
    ("docker/{id}", "docker/{id}"),
    ("system.slice/docker-{id}.scope", "system.slice/docker-{id}.scope"),
)
# Page cache is given back under pressure; tmpfs is not, and is not among these.
CACHE_V1 = ("total_inactive_file", "total_active_file")
CACHE_V2 = ("inactive_file", "active_file")
# The API takes one to two seconds an answer.
ASKED_AT_ONCE = 16


class Meter:
    """Reads how much memory and processor time containers use."""

    def __init__(self, engine: Engine, cgroups: Path = CGROUPS) -> None:
        self._engine = engine
        self._cgroups = cgroups

    def usage(self, runtime_ids: Iterable[str]) -> Mapping[str, Usage]:
        """What each running container uses; the gone ones are left out."""
        found: dict[str, Usage] = {}
        unread: list[str] = []
        for runtime_id in runtime_ids:
            used = self._from_files(runtime_id)
            if used is None:
                unread.append(runtime_id)
            else:
                found[runtime_id] = used
        return found | self._from_api(unread) if unread else found

    def _from_files(self, runtime_id: str) -> Usage | None:
        for memory, processor in PLACES:
            used = used_bytes(self._cgroups / memory.format(id=runtime_id))
            if used is not None:
                seconds = cpu_seconds(self._cgroups / processor.format(id=runtime_id))
                return Usage(used / BYTES_IN_MB, seconds or 0.0)
        return None

    def _from_api(self, runtime_ids: list[str]) -> dict[str, Usage]:
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            answers = dict(zip(runtime_ids, pool.map(self._stats, runtime_ids), strict=True))
        return {key: answer for key, answer in answers.items() if answer is not None}

    def _stats(self, runtime_id: str) -> Usage | None:
        with translated("measure what a dyno uses"):
            try:
                answer: dict[str, Any] = self._engine.api.stats(runtime_id, stream=False)
            except docker.errors.NotFound:
                return None
        memory = answer.get("memory_stats") or {}
        if "usage" not in memory:
            return None
        details = memory.get("stats") or {}
        names = CACHE_V1 if CACHE_V1[0] in details else CACHE_V2
        cache = sum(details.get(name, 0) for name in names)
        used = max(0, int(memory["usage"]) - int(cache))
        processor = answer.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
        return Usage(used / BYTES_IN_MB, processor / NANOSECONDS)


def used_bytes(group: Path) -> int | None:
    """Memory of one control group without page cache, None when it is not there."""
    for usage, names in (
        ("memory.current", CACHE_V2),
        ("memory.usage_in_bytes", CACHE_V1),
    ):
        try:
            total = int((group / usage).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except OSError:
            continue
        return max(0, total - sum(int(stat.get(name, 0)) for name in names))
    return None


def cpu_seconds(group: Path) -> float | None:
    """Processor time of one control group so far, None when it is not there."""
    with suppress(OSError):
        return int((group / "cpuacct.usage").read_text()) / NANOSECONDS
    with suppress(OSError):
        stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        return int(stat.get("usage_usec", 0)) / 1_000_000
    return None
