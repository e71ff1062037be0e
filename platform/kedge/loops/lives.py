"""Each dyno's life: launched, probed, drained, stopped, and its end explained.

Carries out the moves of `plan/lifecycle.py`. A row says what should be; the container what is.
"""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import update

from kedge.db import Transaction
from kedge.engine.protocols import Container, Router, Runtime
from kedge.errors import KedgeError, Unavailable
from kedge.loops.evidence import Evidence
from kedge.loops.probe import Probe, Prober
from kedge.loops.sessions import Sessions
from kedge.loops.spec import port_of, spec_of
from kedge.model.dyno import Dyno, State
from kedge.model.tables import Json
from kedge.ops.services import Services
from kedge.ops.view import AppRows
from kedge.plan import backoff, lifecycle

if TYPE_CHECKING:
    from kedge.loops.collect import Collector
    from kedge.loops.reach import Reach

log = structlog.get_logger()
# What `docker run` exits with when its command could not even be started.
NOT_STARTED_STATUS = 125


class Lives:
    """Moves dynos on. `woken` is called with an app's id when it should be looked at again."""

    def __init__(
        self,
        services: Services,
        runtime: Runtime,
        router: Router,
        collector: Collector,
        reach: Reach,
        woken: Callable[[uuid.UUID], None],
    ) -> None:
        self._services, self._runtime, self._router = services, runtime, router
        self._collector, self._reach = collector, reach
        self._evidence = Evidence(services, runtime)
        self._prober = Prober(lambda probe: woken(probe.app_id))
        self.sessions = Sessions()
        self._told_to_stop: set[uuid.UUID] = set()
        # Starting a container keeps about a processor busy; more at once only makes all slower.
        self._launchers = ThreadPoolExecutor(max(2, os.cpu_count() or 2), "launch")
        settings = services.settings
        self._limits = lifecycle.Limits(
            boot_seconds=settings.boot_seconds,
            drain_seconds=settings.drain_seconds,
            kill_seconds=settings.kill_seconds,
            release_seconds=settings.release_seconds,
        )

    def advance(self, rows: AppRows) -> bool:
        """Let every dyno of an app make its move; whether any did.

        Raises what kept one from it only when all others have been looked at: one container the
        engine cannot end must not hold up the app.
        """
        in_flight = self._in_flight(rows)
        launches: list[Dyno] = []
        troubles: list[Unavailable] = []
        moved = False
        for dyno in rows.dynos:
            container = self._container(dyno)
            probe = self._probe(dyno, container, rows)
            move = lifecycle.next_move(
                self._life(dyno, rows), container, now=self._services.now(), limits=self._limits,
                is_healthy=probe is not None and probe.is_healthy,
                probed_seconds=probe.seconds if probe else math.inf,
                in_flight=in_flight.get(dyno.server_name, 0) if in_flight is not None else None,
            )  # fmt: skip
            if isinstance(move, lifecycle.Launch):
                launches.append(dyno)
            elif move is not None:
                moved = True
                try:
                    self._make(move, dyno, container)
                except Unavailable as error:
                    troubles.append(error)
        self._launch_all(launches)
        if troubles:
            raise troubles[0]
        return moved or bool(launches)

    def next_look_seconds(self, rows: AppRows) -> float | None:
        """When something of this app is due by the clock; events and probes come by themselves."""
        now = self._services.now()
        pauses = [_pause_seconds(dyno) for dyno in rows.dynos]
        pauses += [
            max(0.05, (dyno.retry_at - now).total_seconds())
            for dyno in rows.dynos
            if dyno.state == State.CRASHED and dyno.retry_at
        ]
        return min((pause for pause in pauses if pause is not None), default=None)

    def stop(self, tx: Transaction, dyno: Dyno) -> None:
        """Begin the end of a dyno no request goes to; a crashed one has ended already."""
        if dyno.state == State.CRASHED or dyno.runtime_id is None:
            dyno.state, dyno.ended_at = State.ENDED, self._services.now()
            return
        dyno.state, dyno.stopping_at = State.STOPPING, self._services.now()
        tx.after_commit(lambda: self._terminate(dyno))

    def forget_app(self, app_id: uuid.UUID) -> None:
        """Drop what is left of an app's containers."""
        for container in self._runtime.containers():
            if container.app_id == app_id:
                self._runtime.remove(container.runtime_id)

    # --- moves ---

    def _make(self, move: lifecycle.Move, dyno: Dyno, container: Container | None) -> None:
        log.info("dyno.move", dyno=dyno.name, id=str(dyno.id), move=type(move).__name__)
        match move:
            case lifecycle.Arrive():
                self._arrive(dyno)
            case lifecycle.Crash(failure, exit_status):
                self._crash(dyno, container, failure, exit_status)
            case lifecycle.Terminate(failure):
                self._begin_stop(dyno, failure)
            case lifecycle.Kill():
                self._say(dyno, "Error R12 (Exit timeout) -> At least one process failed to exit "
                          f"within {self._limits.kill_seconds} seconds of SIGTERM")  # fmt: skip
                self._say(dyno, "Stopping remaining processes with SIGKILL")
                self._change(dyno, stopping_at=self._services.now())  # the next try is not at once
                self._runtime.signal(str(dyno.runtime_id), "KILL")
            case lifecycle.End(exit_status, failure):
                self._end(dyno, container, exit_status, failure)
            case _:
                raise NotImplementedError(move)

    def make(self, dyno: Dyno) -> str:
        """Make a dyno's container, not started; its runtime id."""
        self._runtime.prepare(dyno.release.slug.image if dyno.release.slug else None)
        runtime_id = self._runtime.create(spec_of(self._services, dyno))
        self._change(dyno, runtime_id=runtime_id)
        return runtime_id

    def begin(self, dyno: Dyno, runtime_id: str) -> None:
        """Start a dyno's container."""
        self._say(dyno, f"Starting process with command `{dyno.command}`")
        self._reach.before_start(dyno)
        self._runtime.start(runtime_id)
        container = self._runtime.container(runtime_id)
        self._change(
            dyno, started_at=self._services.now(),
            host=container.address if container else None, port=port_of(dyno.id),
        )  # fmt: skip

    def abandon(self, dyno: Dyno, words: str) -> None:
        """Record that a dyno could not be started: its end, or a crash of the formation's."""
        failure = {"code": None, "reason": f"It could not be started: {words}"}
        if dyno.kind == "dyno":
            self._crash(dyno, None, failure, None)
        else:
            status = NOT_STARTED_STATUS if dyno.kind == "run" else None
            self._end(dyno, None, status, failure)

    def _launch_all(self, dynos: Sequence[Dyno]) -> None:
        """Launch several at once; raises what went wrong only when all have been tried."""
        tries = [self._launchers.submit(self._launch, dyno) for dyno in dynos]
        wait(tries)
        for tried in tries:
            tried.result()

    def _launch(self, dyno: Dyno) -> None:
        try:
            runtime_id = self.make(dyno)
            self.begin(dyno, runtime_id)
            self._collector.collect(dyno, runtime_id)
        except Unavailable:
            raise
        except KedgeError as error:
            log.warning("dyno.refused", dyno=dyno.name, id=str(dyno.id), reason=error.message)
            self.abandon(dyno, error.message)
        except Exception as error:  # whatever went wrong, the dyno did not start
            log.exception("dyno.launch_failed", dyno=dyno.name, id=str(dyno.id))
            self.abandon(dyno, str(error))

    def _arrive(self, dyno: Dyno) -> None:
        self._prober.forget(dyno.id)
        self._change(dyno, state=State.UP, up_at=self._services.now())
        self._say(dyno, "State changed from starting to up")

    def _crash(
        self, dyno: Dyno, container: Container | None, failure: Json, exit_status: int | None
    ) -> None:
        """Find out why, write it down, and only then remove the container: a kill -9 in between
        must not lose the cause.
        """
        transcript = self._prober.forget(dyno.id)
        failure = self._evidence.gather(dyno, container, failure, transcript)
        runs = container is not None and container.status == "running"
        if not runs:
            self._collector.finish(dyno, container)
        before, now = dyno.state, self._services.now()
        crashes = 1 if self._was_steady(dyno) else dyno.crash_count + 1
        self._change(
            dyno, state=State.CRASHED, routed=False, failure=failure, exit_status=exit_status,
            crash_count=crashes, retry_at=now + backoff.rest_after(crashes),
        )  # fmt: skip
        self._tell_crash(dyno, failure, before)
        with self._left_to_the_sweep(dyno):
            if container is not None and runs:
                self._runtime.signal(container.runtime_id, "KILL")
                self._collector.finish(dyno, container)
            if dyno.runtime_id:
                self._runtime.remove(dyno.runtime_id)

    @contextmanager
    def _left_to_the_sweep(self, dyno: Dyno) -> Iterator[None]:
        """What is left of a dyno whose end is recorded: dropped later when not now."""
        try:
            yield
        except KedgeError as error:
            log.warning("dyno.not_removed", dyno=dyno.name, reason=error.message)

    def _tell_crash(self, dyno: Dyno, failure: Json, before: str) -> None:
        if failure["code"] == "R10":
            self._say(dyno, f"Error R10 (Boot timeout) -> {failure['reason']}")
            self._say(dyno, "Stopping process with SIGKILL")
        self._tell_memory(dyno, failure)
        if failure.get("exit_status") is not None:
            self._say(dyno, f"Process exited with status {failure['exit_status']}")
        elif failure["code"] is None:
            self._say(dyno, failure["reason"])
        self._say(dyno, f"State changed from {before} to crashed")

    def _tell_memory(self, dyno: Dyno, failure: Json | None) -> None:
        if failure and failure.get("code") == "R15":
            self._say(dyno, "Error R15 (Memory quota vastly exceeded)")

    def _was_steady(self, dyno: Dyno) -> bool:
        return bool(dyno.up_at and self._services.now() - dyno.up_at > backoff.STEADY)

    def _begin_stop(self, dyno: Dyno, failure: Json | None) -> None:
        self._change(
            dyno, state=State.STOPPING, stopping_at=self._services.now(), routed=False,
            failure=failure or dyno.failure,
        )  # fmt: skip
        self._terminate(dyno)

    def _terminate(self, dyno: Dyno) -> None:
        self._prober.forget(dyno.id)
        self._say(dyno, "Stopping all processes with SIGTERM")
        if dyno.attach and not self.sessions.has(dyno.id):  # as a terminal that was closed
            self._runtime.signal(str(dyno.runtime_id), "HUP")
        self._runtime.signal(str(dyno.runtime_id), "TERM")
        self._told_to_stop.add(dyno.id)

    def _end(
        self, dyno: Dyno, container: Container | None, exit_status: int | None, failure: Json | None
    ) -> None:
        """Write down how it ended, and only then remove the container."""
        self._prober.forget(dyno.id)
        self._collector.finish(dyno, container)
        if failure and dyno.kind == "release":
            failure = self._evidence.gather(dyno, container, failure, [])
        before = dyno.state
        self._change(
            dyno, state=State.ENDED, ended_at=self._services.now(), exit_status=exit_status,
            routed=False, failure=dyno.failure or failure,
        )  # fmt: skip
        self._told_to_stop.discard(dyno.id)
        self.sessions.forget(dyno.id)
        self._tell_memory(dyno, failure)  # of this end; an earlier crash was told when it came
        self._tell_end(dyno, container, before)
        with self._left_to_the_sweep(dyno):
            if dyno.runtime_id:
                self._runtime.remove(dyno.runtime_id)

    def _tell_end(self, dyno: Dyno, container: Container | None, before: str) -> None:
        if container is not None and dyno.exit_status is not None:
            self._say(dyno, f"Process exited with status {dyno.exit_status}")
        elif dyno.failure and dyno.failure.get("code") == "R13":
            self._say(dyno, f"Error R13 (Attach error) -> {dyno.failure['reason']}")
        elif dyno.failure:
            self._say(dyno, dyno.failure["reason"])
        if dyno.kind != "dyno":
            self._say(dyno, f"State changed from {before} to complete")

    # --- what is there ---

    def _life(self, dyno: Dyno, rows: AppRows) -> lifecycle.Life:
        return lifecycle.Life(
            kind=dyno.kind,  # type: ignore[arg-type]  # the column holds one of the three
            type=dyno.type,
            state=dyno.state,
            created_at=dyno.created_at,
            started_at=dyno.started_at,
            draining_at=dyno.draining_at,
            stopping_at=dyno.stopping_at,
            stop_requested=dyno.stop_requested_at is not None or _is_orphaned(dyno, rows),
            is_told_to_stop=dyno.id in self._told_to_stop,
            is_attached=dyno.attach is not None,
            is_claimed=dyno.attach_sha256 is None,
            has_session=self.sessions.has(dyno.id),
            time_to_live=dyno.time_to_live,
        )

    def _container(self, dyno: Dyno) -> Container | None:
        """A dyno's container now. Of one that is up, an event or the sweep tells of changes."""
        if dyno.runtime_id is None:
            return None
        return self._runtime.container(dyno.runtime_id, fresh=dyno.state != State.UP)

    def _in_flight(self, rows: AppRows) -> Mapping[str, int] | None:
        if not any(d.state == State.DRAINING and d.draining_at for d in rows.dynos):
            return None
        try:
            return self._router.in_flight(rows.app.id)
        except Unavailable:
            return None  # unknown: the whole drain time is given

    def _probe(self, dyno: Dyno, container: Container | None, rows: AppRows) -> Probe | None:
        """The probe of a starting web dyno; None when there is nothing to ask."""
        if dyno.state != State.STARTING or dyno.type != "web" or dyno.kind != "dyno":
            return None
        if container is None or container.status != "running" or not container.address:
            return None
        host = rows.domains[0].hostname if rows.domains else rows.app.name
        seconds = self._limits.boot_seconds + lifecycle.PROBED_SECONDS
        return self._prober.watch(
            dyno.id, dyno.app_id, container.address, port_of(dyno.id), host, seconds
        )

    def _change(self, dyno: Dyno, **changes: object) -> None:
        with self._services.database.transaction() as tx:
            tx.execute(update(Dyno).where(Dyno.id == dyno.id).values(**changes))
            tx.touch(dyno.app_id)
        for name, value in changes.items():
            setattr(dyno, name, value)

    def _say(self, dyno: Dyno, text: str) -> None:
        self._services.tell(dyno.app_id, dyno.name, text)


def _is_orphaned(dyno: Dyno, rows: AppRows) -> bool:
    return dyno.kind != "dyno" and rows.app.deleting_at is not None


def _pause_seconds(dyno: Dyno) -> float | None:
    match dyno.state:
        case State.DRAINING:
            return 0.2
        case State.STARTING | State.STOPPING:
            return 0.5
        case State.UP if dyno.kind != "dyno":
            return timedelta(seconds=5).total_seconds()
        case _:
            return None
