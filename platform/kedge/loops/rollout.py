"""The rollout loop: looks at one app, takes the steps the plan says, tells the router.

A look is: read the rows → bring the router up to date, and only then let old dynos drain → take the
steps of `plan/rollout.py` → let each dyno make its move (`loops/lives.py`). It repeats until
nothing is left to do now. Each step is one transaction; a kill -9 between any two is healed by the
next look, because every look starts from what is there.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select

from kedge.db import Transaction
from kedge.engine.protocols import Route, Router
from kedge.errors import Conflict, Unavailable
from kedge.loops.certificates import Certificates
from kedge.loops.lives import Lives
from kedge.model.app import App
from kedge.model.dyno import Dyno, State
from kedge.model.formation import DEFAULT_SIZE, Formation
from kedge.model.release import Release, Stage
from kedge.ops import apps, outputs, releases
from kedge.ops.services import Services
from kedge.ops.view import AppRows, frontage, load, rollout_view
from kedge.plan import rollout
from kedge.plan.routes import route_of

log = structlog.get_logger()
ROUNDS = 50  # more rounds in one look would mean that a step does not change what it should
UNAVAILABLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Belongings:
    """What an app has besides dynos and a route: its certificate, its repository, its caches."""

    certificates: Certificates
    forget_files: Callable[[uuid.UUID], None]

    def forget(self, app_id: uuid.UUID) -> None:
        """Drop them all, for an app that is gone."""
        self.certificates.forget(app_id)
        self.forget_files(app_id)


class Rollouts:
    """Brings apps to what is wanted of them; each app is looked at by one thread at a time."""

    def __init__(
        self, services: Services, router: Router, lives: Lives, belongings: Belongings
    ) -> None:
        self._services, self._router, self._lives = services, router, lives
        self._belongings = belongings
        self._in_force: dict[uuid.UUID, Route] = {}

    def look(self, app_id: uuid.UUID) -> float | None:
        """Do what there is to do now; in how many seconds to look again, None for when woken."""
        try:
            for _ in range(ROUNDS):
                rows = self._read(app_id)
                if rows is None:
                    self._in_force.pop(app_id, None)
                    return None
                if not self._go_on(rows):
                    return self._lives.next_look_seconds(rows)
            log.error("rollout.restless", app=str(app_id))
        except Unavailable as error:
            log.warning("rollout.waiting", app=str(app_id), reason=error.message)
        return UNAVAILABLE_SECONDS

    def adopt(self, routes: Mapping[uuid.UUID, Route]) -> None:
        """Take it that these routes, and no others, are in force: the router has said so."""
        self._in_force = dict(routes)

    def _go_on(self, rows: AppRows) -> bool:
        """Do what comes next; whether there was anything.

        The router before the steps: nothing counts as done that it has not acknowledged. Dynos
        last: their starts and signals take long, and nothing done waits for them. While the router
        does not answer, dynos still live their lives: a crashed one is started again.
        """
        try:
            routed = self._route(rows)
        except Unavailable:
            self._lives.advance(rows)
            raise
        return routed or self._step(rows) or self._lives.advance(rows)

    def _read(self, app_id: uuid.UUID) -> AppRows | None:
        with self._services.database.transaction() as tx:
            return load(tx, app_id)

    def _step(self, rows: AppRows) -> bool:
        """Take the plan's steps; whether there were any."""
        steps = rollout.steps(rollout_view(rows, self._services.now()))
        for step in steps:
            log.info("rollout.step", app=rows.app.name, **_told(step))
            if isinstance(step, rollout.Erase):
                self._erase(rows)
                break
            with self._services.database.transaction() as tx:
                app = tx.lock(App, rows.app.id)
                self._take(step, tx, app, rows)
        return bool(steps)

    # --- the steps ---

    def _take(self, step: rollout.Step, tx: Transaction, app: App, rows: AppRows) -> None:
        """Carry out one step of the plan."""
        match step:
            case rollout.Expire(version):
                releases.expire(_release(tx, rows, version))
            case rollout.RunReleasePhase(version):
                self._run_release_phase(tx, app, _release(tx, rows, version))
            case rollout.BeginRollout(version):
                _release(tx, rows, version).stage = Stage.ROLLOUT
            case rollout.Start():
                self._start(step, tx, rows)
            case rollout.Switch():
                self._switch(step, tx, rows)
            case rollout.Stop(dyno_id):
                self._lives.stop(tx, tx.get_one(Dyno, dyno_id))
            case rollout.Succeed(version):
                releases.succeed(self._services, tx, app, _release(tx, rows, version))
            case rollout.Fail(version, failure):
                releases.fail(self._services, tx, app, _release(tx, rows, version), failure)
            case _:
                raise NotImplementedError(step)

    def _run_release_phase(self, tx: Transaction, app: App, release: Release) -> None:
        release.stage = Stage.RELEASE_PHASE
        formation = tx.scalar(
            select(Formation).where(Formation.app_id == app.id, Formation.type == "release")
        )
        dyno = Dyno(
            id=uuid.uuid4(), app_id=app.id, release_id=release.id, kind="release", type="release",
            ordinal=release.version, size=formation.size if formation else DEFAULT_SIZE,
            command=release.release_command,
        )  # fmt: skip
        tx.add(dyno)
        words = f"Running release v{release.version} commands by user {release.user.email}"
        self._services.say(tx, app.id, words)
        if output_id := release.output_id:
            outputs.open_in(tx, app.id, output_id)

    def _start(self, step: rollout.Start, tx: Transaction, rows: AppRows) -> None:
        if step.replaces:
            crashed = tx.get_one(Dyno, step.replaces)
            crashed.state, crashed.ended_at = State.ENDED, self._services.now()
        release = rows.release(step.version)
        formation = next(row for row in rows.formation if row.type == step.type)
        dyno = Dyno(
            id=uuid.uuid4(), app_id=rows.app.id, release_id=release.id, kind="dyno",
            type=step.type, ordinal=step.ordinal, size=formation.size,
            restarts=formation.restarts, command=release.process_types[step.type],
            crash_count=step.crash_count,
        )  # fmt: skip
        tx.add(dyno)

    def _switch(self, step: rollout.Switch, tx: Transaction, rows: AppRows) -> None:
        for dyno_id in step.on:
            tx.get_one(Dyno, dyno_id).routed = True
        for dyno_id in step.off:
            old = tx.get_one(Dyno, dyno_id)
            old.routed = False
            if old.state == State.UP:
                old.state = State.DRAINING
        if step.version is not None:
            _release(tx, rows, step.version).stage = Stage.SWITCHED

    # --- the router ---

    def _route(self, rows: AppRows) -> bool:
        """Bring the router up to date; whether something may go on because of it.

        Old dynos begin to drain only here: when the router has acknowledged that it sends them
        nothing new.
        """
        if rows.app.deleting_at and not rows.dynos:
            return False
        wanted = route_of(frontage(rows))
        known = self._in_force.get(rows.app.id)
        if known is None or _content(known) != _content(wanted):
            self._put(rows.app, wanted)
        self._belongings.certificates.ensure(rows.app.id, wanted.hosts, self._services.now())
        return self._begin_draining(rows)

    def _put(self, seen: App, wanted: Route) -> None:
        """Have a route put in force. Its number is taken only when nobody took one since the rows
        were read, so that a supervisor that lost its leadership unawares cannot bring an old route
        back.
        """
        with self._services.database.transaction() as tx:
            app = tx.lock(App, seen.id)
            if app.route_version != seen.route_version:
                raise Unavailable("Somebody else has changed the route meanwhile.")
            app.route_version += 1
            route = replace(wanted, version=app.route_version)
        try:
            self._router.put(seen.id, route)
        except Conflict as error:
            log.warning("route.refused", app=wanted.name, reason=error.message)
            raise Unavailable(error.message) from error
        self._in_force[seen.id] = route

    def _begin_draining(self, rows: AppRows) -> bool:
        waiting = [d for d in rows.dynos if d.state == State.DRAINING and d.draining_at is None]
        if not waiting:
            return False
        with self._services.database.transaction() as tx:
            for dyno in waiting:
                tx.get_one(Dyno, dyno.id).draining_at = self._services.now()
        return True

    def _erase(self, rows: AppRows) -> None:
        """The end of a deleted app: route, what it left outside the database, log, rows."""
        self._router.remove(rows.app.id, rows.app.route_version + 1)
        self._lives.forget_app(rows.app.id)
        self._belongings.forget(rows.app.id)
        with self._services.database.transaction() as tx:
            apps.erase(tx, tx.lock(App, rows.app.id))
        self._services.logs.forget(rows.app.id)
        self._in_force.pop(rows.app.id, None)


def _release(tx: Transaction, rows: AppRows, version: int) -> Release:
    """The release, held, and as it was when the plan was made."""
    seen = rows.release(version)
    release = tx.lock(Release, seen.id)
    if (release.status, release.stage) != (seen.status, seen.stage):
        raise Unavailable("Somebody else has moved the release on meanwhile.")
    return release


def _told(step: rollout.Step) -> dict[str, object]:
    """A step as Kedge's own log tells it: without what an app may have written."""
    return {"step": type(step).__name__, "version": getattr(step, "version", None)}


def _content(route: Route) -> tuple[object, ...]:
    """A route without its version: what the router would do differently."""
    return (route.name, route.hosts, route.state, dict(route.servers))
