"""The supervisor's threads, and what wakes them.

wakes (API, worker) ─┐
engine's events ─────┼──> schedule ──> Rollouts.look(app)
the sweep (clock) ───┘
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import structlog
from sqlalchemy import select
from sqlalchemy.orm import lazyload

from kedge.engine.protocols import ANY_TOPIC, Container, Router, Runtime
from kedge.errors import KedgeError
from kedge.loops import usage
from kedge.loops.access import AccessLog
from kedge.loops.collect import Collector
from kedge.loops.inside import Insides
from kedge.loops.janitor import Janitor
from kedge.loops.leadership import Leadership
from kedge.loops.lives import Lives
from kedge.loops.memory import MemoryWatch
from kedge.loops.metrics import Metrics
from kedge.loops.oneoff import OneOffs
from kedge.loops.reach import Reach
from kedge.loops.rollout import Belongings, Rollouts
from kedge.loops.schedule import Schedule
from kedge.model.app import App
from kedge.model.dyno import Dyno, State
from kedge.model.release import Release, Status
from kedge.ops.services import APPS, Services

log = structlog.get_logger()
SWEEP_SECONDS = 5.0
USAGE_SECONDS = 10.0
TEND_SECONDS = 10.0  # network and firewall, should somebody have flushed them
REACH_SECONDS = 5.0
JANITOR_SECONDS = 5.0
COMPARE_SECONDS = 20.0
NO_ERRANDS: Mapping[Callable[[], None], float] = MappingProxyType({})


class Supervisor:
    """Everything that looks after dynos, while this process leads."""

    def __init__(
        self,
        services: Services,
        runtime: Runtime,
        router: Router,
        belongings: Belongings,
        errands: Mapping[Callable[[], None], float] = NO_ERRANDS,
    ) -> None:
        """`errands` is more to do while this process leads, each again after so many seconds."""
        self._services, self._runtime, self._router = services, runtime, router
        self.stopping = threading.Event()
        self._leadership = Leadership(services.database, self.stopping)
        self._collector = Collector(services, runtime)
        self._schedule = Schedule(self._look)
        self._reach = Reach(services, runtime)
        lives = Lives(services, runtime, router, self._collector, self._reach, self._wake)
        self._rollouts = Rollouts(services, router, lives, belongings)
        self.one_offs = OneOffs(services, runtime, lives)
        self.insides = Insides(services, runtime)
        self._metrics = Metrics(services)
        self._access = AccessLog(services, router, self._metrics.count)
        self._memory = MemoryWatch(services)
        self._janitor = Janitor(services, runtime)
        self._errands = errands
        self._may_have_missed = threading.Event()
        self._swept_term = 0

    def start(self) -> None:
        """Begin; returns at once."""
        self._leadership.start()
        self._schedule.start()
        self._services.wakes.subscribe(self._woken)
        self._every(SWEEP_SECONDS, self._sweep)
        self._every(USAGE_SECONDS, self._measure)
        self._every(TEND_SECONDS, self._runtime.tend)
        self._every(REACH_SECONDS, self._reach.look)
        self._every(COMPARE_SECONDS, self._compare_routes)
        self._every(JANITOR_SECONDS, self._janitor.look)
        self._every(0.2, self._access.pull)
        self._every(1.0, self._listen)
        for act, seconds in self._errands.items():
            self._every(seconds, act)

    def stop(self) -> None:
        """End the loops; dynos go on."""
        self.stopping.set()
        self._schedule.stop()

    def _look(self, app_id: uuid.UUID) -> float | None:
        return self._rollouts.look(app_id) if self._leadership.won.is_set() else 1.0

    def _wake(self, app_id: uuid.UUID) -> None:
        self._schedule.wake(app_id)

    def _woken(self, topic: str) -> None:
        kind, _, app_id = topic.partition(":")
        if kind == APPS:
            self._schedule.wake(uuid.UUID(app_id))
        elif topic == ANY_TOPIC:
            self._may_have_missed.set()

    def _every(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something again and again in a thread of its own, while this process leads."""

        def run() -> None:
            while not self.stopping.is_set():
                if self._leadership.won.wait(1.0):
                    _guarded(act)
                    self.stopping.wait(seconds)

        name = getattr(act, "__qualname__", "loop")
        threading.Thread(target=run, name=name, daemon=True).start()

    def _listen(self) -> None:
        """Wake apps by the engine's events, until the engine goes away."""
        for happening in self._runtime.happenings():
            with self._services.database.transaction() as tx:
                app_id = tx.scalar(select(Dyno.app_id).where(Dyno.id == happening.dyno_id))
            if app_id:
                self._schedule.wake(app_id)

    def _measure(self) -> None:
        """See what dynos use: over the quota is said, and all of it is kept as metrics."""
        found = usage.look(self._services, self._runtime)
        self._memory.look(found)
        self._metrics.look(found)

    def _sweep(self) -> None:
        """Compare everything, in case an event or a wake was lost; drop containers of nobody."""
        containers = self._runtime.containers()
        with self._services.database.transaction() as tx:
            bare = select(Dyno).options(lazyload("*"))  # without app, release, slug and config
            live = list(tx.scalars(bare.where(Dyno.state != State.ENDED)))
            unfinished = select(Release.app_id).where(Release.status == Status.PENDING)
            busy = set(tx.scalars(unfinished.distinct()))
            busy |= set(tx.scalars(select(App.id).where(App.deleting_at.is_not(None))))
        by_id = {container.runtime_id: container for container in containers}
        for dyno in live:
            self._follow(dyno, by_id.get(dyno.runtime_id or ""))
            if not _is_steady(dyno, by_id.get(dyno.runtime_id or "")):
                busy.add(dyno.app_id)
        for app_id in busy | self._looked_at_anew():
            self._schedule.wake(app_id)
        self._drop_strays(containers, live)

    def _follow(self, dyno: Dyno, container: Container | None) -> None:
        """Go on collecting what a dyno writes, after this process began anew."""
        if container is not None and container.status == "running" and not dyno.attach:
            self._collector.collect(dyno, container.runtime_id)

    def _drop_strays(self, containers: list[Container], live: list[Dyno]) -> None:
        """Containers without a row: of a dyno that ended while nobody looked, or of a gone app.

        A dyno's row is there before its container and `live` was read after `containers`, so that
        none of them is only just being made.
        """
        known = {dyno.id for dyno in live}
        for container in containers:
            if container.dyno_id not in known:
                log.info("container.stray", name=container.name, id=container.runtime_id[:12])
                _guarded(partial(self._runtime.remove, container.runtime_id))

    def _looked_at_anew(self) -> set[uuid.UUID]:
        """Every app, when wakes may have been missed or leadership was won; else none."""
        term = self._leadership.term
        if term == self._swept_term and not self._may_have_missed.is_set():
            return set()
        self._may_have_missed.clear()
        self._compare_routes()
        with self._services.database.transaction() as tx:
            found = set(tx.scalars(select(App.id)))
        self._swept_term = term
        return found

    def _compare_routes(self) -> None:
        """Hold what the router serves against what it was told, and mend what differs.

        Its agent may have lost its map, another supervisor may have told it something else, and a
        restored database may know nothing of apps it serves.
        """
        told = self._router.routes()
        with self._services.database.transaction() as tx:
            versions = dict(tx.execute(select(App.id, App.route_version)).tuples().all())
        served = {
            app_id: route
            for app_id, route in told.items()
            if route is not None and route.version == versions.get(app_id)
        }
        self._rollouts.adopt(served)
        for app_id in versions.keys() - served.keys():
            self._schedule.wake(app_id)
        for app_id, route in told.items():
            if app_id not in versions and route is not None:
                log.info("route.of_nobody", app=route.name)
                self._router.remove(app_id, route.version + 1)


def _is_steady(dyno: Dyno, container: Container | None) -> bool:
    return dyno.state == State.UP and container is not None and container.status == "running"


def _guarded(act: Callable[[], None]) -> None:
    try:
        act()
    except KedgeError as error:
        log.warning("loop.waiting", loop=getattr(act, "__qualname__", ""), reason=error.message)
    except Exception:  # one loop's trouble must not end the others; it is tried again
        log.exception("loop.failed", loop=getattr(act, "__qualname__", ""))
