"""Counts requests and samples dynos for the apps' metrics, and writes the sums down."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable

from sqlalchemy import select

from kedge.engine.protocols import AccessLine
from kedge.loops import memory
from kedge.loops.usage import DynoUsage
from kedge.model.dyno import Dyno, State
from kedge.ops import metrics
from kedge.ops.metrics import DynoInMinute, Minute
from kedge.ops.services import Services
from kedge.plan.metrics import Requests, Samples, minute_of, minute_of_ns

TRIM_SECONDS = 3600.0
CRASH = "crash"
CRASHED = select(
    Dyno.id, Dyno.app_id, Dyno.type, Dyno.ordinal, Dyno.size, Dyno.failure, Dyno.updated_at
).where(
    Dyno.kind == "dyno",
    Dyno.failure.is_not(None),
    Dyno.state.in_((State.CRASHED, State.STOPPING, State.ENDED)),
)


class Metrics:
    """Fed with access lines by one thread, with usage by another; the latter writes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._requests: dict[Minute, Requests] = {}
        self._seconds: dict[uuid.UUID, tuple[float, float]] = {}  # at, processor time then
        self._crashes_until = services.now()
        self._counted: deque[uuid.UUID] = deque(maxlen=1000)
        self._next_trim = time.monotonic()

    def count(self, lines: Iterable[AccessLine]) -> None:
        """Count requests."""
        with self._lock:
            for line in lines:
                minute = (line.app_id, minute_of_ns(line.at_ns))
                counted = self._requests.setdefault(minute, Requests())
                counted.add(line.status, line.code, line.service_ms, line.bytes or 0)

    def look(self, dynos: Iterable[DynoUsage]) -> None:
        """Take a sample of each dyno, and write down what there is."""
        samples = self._sampled(dynos)
        self._add_crashes(samples)
        with self._lock:
            requests, self._requests = self._requests, {}
        if requests or samples:
            metrics.add(self._services, requests, samples)
        if time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            metrics.trim(self._services)

    def _sampled(self, dynos: Iterable[DynoUsage]) -> dict[DynoInMinute, Samples]:
        minute = minute_of(self._services.now())
        samples: dict[DynoInMinute, Samples] = {}
        seen: dict[uuid.UUID, tuple[float, float]] = {}
        for dyno in dynos:
            seen[dyno.dyno_id] = (time.monotonic(), dyno.used.cpu_seconds)
            if dyno.kind != "dyno":  # of one-off dynos there may be thousands, each seen once
                continue
            codes = [memory.CODE] if memory.is_over_quota(dyno) else []
            sample = samples.setdefault((dyno.app_id, minute, dyno.name), Samples(dyno.size))
            sample.add(dyno.used.memory_mb, self._processors(dyno, seen[dyno.dyno_id]), codes)
        self._seconds = seen
        return samples

    def _processors(self, dyno: DynoUsage, now: tuple[float, float]) -> float:
        """How many processors it kept busy since the last look."""
        before = self._seconds.get(dyno.dyno_id)
        if before is None or now[0] <= before[0]:
            return 0.0
        return max(0.0, (now[1] - before[1]) / (now[0] - before[0]))

    def _add_crashes(self, samples: dict[DynoInMinute, Samples]) -> None:
        """Count the dynos that crashed since the last look, each once: it ends after it crashed."""
        since, self._crashes_until = self._crashes_until, self._services.now()
        crashed = CRASHED.where(Dyno.updated_at > since, Dyno.updated_at <= self._crashes_until)
        with self._services.database.transaction() as tx:
            rows = tx.execute(crashed).all()
        for dyno_id, app_id, type_, ordinal, size, failure, at in rows:
            if dyno_id in self._counted:
                continue
            self._counted.append(dyno_id)
            key = (app_id, minute_of(at), f"{type_}.{ordinal}")
            code = (failure or {}).get("code") or CRASH
            samples.setdefault(key, Samples(size)).codes[code] += 1
