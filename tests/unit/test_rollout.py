"""What `plan/rollout.py` decides."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kedge.model.dyno import State
from kedge.model.release import Stage
from kedge.plan.rollout import (
    BeginRollout,
    Dyno,
    Erase,
    Expire,
    Fail,
    Process,
    ReleasePhase,
    RunReleasePhase,
    Start,
    Stop,
    Succeed,
    Switch,
    Target,
    View,
    is_settled,
    steps,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEB = {"web": "serve"}
ONE_WEB = {"web": Process(1, "Standard-1X")}


def release(version: int, stage: str = Stage.WAITING, types=WEB, phase=None) -> Target:
    return Target(version=version, process_types=types, stage=stage, release_phase=phase)


def dyno(version: int, state: str = State.UP, type_: str = "web", ordinal: int = 1, **more) -> Dyno:
    more.setdefault("routed", state == State.UP and type_ == "web")
    return Dyno(
        id=uuid.uuid4(), type=type_, ordinal=ordinal, version=version, size="Standard-1X",
        state=state, **more,
    )  # fmt: skip


def view(**more) -> View:
    more.setdefault("formation", ONE_WEB)
    more.setdefault("head", None)
    return View(now=NOW, **more)


class TestARelease:
    def test_waits_for_nothing_when_it_has_no_release_command(self):
        """A release without a release command goes straight to its roll-out."""
        assert steps(view(pending=[release(3)])) == [BeginRollout(3)]

    def test_runs_its_release_command_first(self):
        """A release command runs before any dyno of the release starts."""
        waiting = release(3, phase=ReleasePhase())
        assert steps(view(pending=[waiting])) == [RunReleasePhase(3)]

    @pytest.mark.parametrize(
        ("phase", "expected"),
        [
            (ReleasePhase(None, None, has_begun=True), []),
            (ReleasePhase(0, None, has_begun=True), [BeginRollout(3)]),
            (ReleasePhase(1, {"reason": "no"}, has_begun=True), [Fail(3, {"reason": "no"})]),
        ],
    )
    def test_goes_by_how_its_release_command_ended(self, phase, expected):
        """A running command is waited for, status 0 goes on, anything else fails the release."""
        assert steps(view(pending=[release(3, Stage.RELEASE_PHASE, phase=phase)])) == expected

    def test_supersedes_older_ones_that_have_not_begun(self):
        """Of several waiting releases only the newest is rolled out, the others expire."""
        waiting = [release(3), release(4), release(5)]
        assert steps(view(pending=waiting)) == [Expire(3), Expire(4), BeginRollout(5)]

    def test_lets_one_that_has_begun_finish(self):
        """A release whose roll-out began is not superseded; newer ones wait for it."""
        begun = release(3, Stage.ROLLOUT)
        found = steps(view(pending=[begun, release(4)], dynos=[dyno(3, State.STARTING)]))
        assert found == []

    def test_with_nothing_to_run_is_live_at_once(self):
        """A formation of zero dynos needs none: switch and success follow without a start."""
        formation = {"web": Process(0, "Standard-1X")}
        found = steps(view(pending=[release(3, Stage.ROLLOUT)], formation=formation))
        assert found == [Switch((), (), 3)]
        found = steps(view(pending=[release(3, Stage.SWITCHED)], formation=formation))
        assert found == [Succeed(3)]


class TestTheRollout:
    def test_starts_new_dynos_beside_the_old(self):
        """The old dyno is not touched while the new one starts."""
        found = steps(view(head=release(2), pending=[release(3, Stage.ROLLOUT)], dynos=[dyno(2)]))
        assert found == [Start("web", 1, 3)]

    def test_waits_until_all_new_web_dynos_are_up(self):
        """The router switches for all web dynos at once, so that versions do not mix."""
        formation = {"web": Process(2, "Standard-1X")}
        old = [dyno(2, ordinal=1), dyno(2, ordinal=2)]
        new = [dyno(3, routed=False), dyno(3, State.STARTING, ordinal=2)]
        rolling = view(
            head=release(2), pending=[release(3, Stage.ROLLOUT)], dynos=old + new,
            formation=formation,
        )  # fmt: skip
        assert steps(rolling) == []
        arrived = replace(new[1], state=State.UP)
        found = steps(replace(rolling, dynos=[*old, new[0], arrived]))
        assert found == [Switch((new[0].id, arrived.id), (old[0].id, old[1].id), 3)]

    def test_fails_when_a_new_web_dyno_crashes(self):
        """A web dyno that crashes before the switch fails the release with its cause."""
        cause = {"code": "R10", "reason": "no port"}
        crashed = dyno(3, State.CRASHED, failure=cause)
        found = steps(
            view(head=release(2), pending=[release(3, Stage.ROLLOUT)], dynos=[dyno(2), crashed])
        )
        assert found == [Fail(3, cause)]

    def test_stops_what_a_failed_release_started(self):
        """After a failure the new dynos end and the old ones go on."""
        started = dyno(3, State.STARTING)
        assert steps(view(head=release(2), dynos=[dyno(2), started])) == [Stop(started.id)]

    def test_starts_other_processes_after_the_switch(self):
        """Workers of the new release start when its web dynos have taken over."""
        types = {"web": "serve", "worker": "work"}
        formation = ONE_WEB | {"worker": Process(1, "Standard-1X")}
        switched = release(3, Stage.SWITCHED, types)
        old_worker = dyno(2, type_="worker")
        found = steps(
            view(
                head=release(2, types=types), pending=[switched], formation=formation,
                dynos=[dyno(3), old_worker],
            )
        )  # fmt: skip
        assert found == [Start("worker", 1, 3)]

    @pytest.mark.parametrize("state", [State.UP, State.CRASHED])
    def test_ends_an_old_worker_when_the_new_one_has_settled(self, state):
        """A worker that is up, or crashes at once, takes the old one's place."""
        types = {"worker": "work"}
        old, new = dyno(2, type_="worker"), dyno(3, state, type_="worker", routed=False)
        found = steps(
            view(
                head=release(2, types=types), pending=[release(3, Stage.SWITCHED, types)],
                formation={"worker": Process(1, "Standard-1X")}, dynos=[old, new],
            )
        )  # fmt: skip
        assert found == [Stop(old.id)]

    def test_is_over_when_everything_of_it_is_there(self):
        """A release is live when its web dynos are routed and its workers have settled."""
        found = steps(view(head=release(2), pending=[release(3, Stage.SWITCHED)], dynos=[dyno(3)]))
        assert found == [Succeed(3)]

    def test_keeps_the_old_release_alive_meanwhile(self):
        """A crashed dyno of the running release is replaced also during a roll-out."""
        crashed = dyno(2, State.CRASHED, retry_at=NOW, crash_count=1)
        found = steps(
            view(
                head=release(2), pending=[release(3, Stage.ROLLOUT)],
                dynos=[crashed, dyno(3, State.STARTING)],
            )
        )  # fmt: skip
        assert found == [Start("web", 1, 2, 1, crashed.id)]


class TestTheFormation:
    def test_is_filled(self):
        """Every slot of the formation without a dyno gets one."""
        found = steps(view(head=release(2), formation={"web": Process(2, "Standard-1X")}))
        assert found == [Start("web", 1, 2), Start("web", 2, 2)]

    def test_never_runs_the_release_process(self):
        """`release` in a Procfile is no process of the formation."""
        types = {"release": "migrate"}
        found = steps(
            view(head=release(2, types=types), formation={"release": Process(1, "Standard-1X")})
        )
        assert found == []

    def test_drains_before_it_stops_when_scaled_down(self):
        """A routed dyno leaves the router first."""
        extra = dyno(2, ordinal=2)
        found = steps(view(head=release(2), dynos=[dyno(2), extra]))
        assert found == [Switch((), (extra.id,))]

    def test_restarts_a_dyno_behind_a_new_one(self):
        """The successor starts, the router takes it, and only then the old one goes."""
        old = dyno(2, restart_requested=True)
        assert steps(view(head=release(2), dynos=[old])) == [Start("web", 1, 2)]
        new = dyno(2, routed=False)
        assert steps(view(head=release(2), dynos=[old, new])) == [Switch((new.id,), ())]
        taken = replace(new, routed=True)
        assert steps(view(head=release(2), dynos=[old, taken])) == [Switch((), (old.id,))]

    def test_replaces_dynos_of_another_size(self):
        """A changed size leads to a new dyno by the same road."""
        formation = {"web": Process(1, "Standard-2X")}
        assert steps(view(head=release(2), dynos=[dyno(2)], formation=formation)) == [
            Start("web", 1, 2)
        ]

    def test_lets_a_crashed_dyno_rest(self):
        """A crashed dyno is started again when its rest is over, not before."""
        soon = NOW + timedelta(seconds=1)
        resting = dyno(2, State.CRASHED, retry_at=soon, crash_count=3)
        assert steps(view(head=release(2), dynos=[resting])) == []
        rested = replace(resting, retry_at=NOW)
        assert steps(view(head=release(2), dynos=[rested])) == [Start("web", 1, 2, 3, rested.id)]


class TestADeletedApp:
    def test_leaves_the_router_then_stops_then_goes(self):
        """An app's end: no requests, no dynos, no rows; in this order."""
        routed = dyno(2)
        ending = view(head=release(2), dynos=[routed], is_being_deleted=True)
        assert steps(ending) == [Switch((), (routed.id,))]
        resting = replace(routed, routed=False, state=State.CRASHED)
        assert steps(replace(ending, dynos=[resting])) == [Stop(resting.id)]
        stopping = replace(routed, routed=False, state=State.STOPPING)
        assert steps(replace(ending, dynos=[stopping])) == []
        building = replace(ending, dynos=[], is_building=True)
        assert steps(building) == [], "its build is cancelled, and ends first"
        assert steps(replace(ending, dynos=[])) == [Erase()]


class World:
    """Carries out steps as the supervisor does, one at a time, and lets dynos come up or crash."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.view = view(formation={"web": Process(2, "Standard-1X")}, head=None)
        self.versions = 2
        self.broken: set[int] = set()
        self.least_routed = 0

    def act(self) -> None:
        """Something happens: a step is taken, a dyno moves on, or somebody wants something."""
        due = steps(self.view)
        choice = self.dice.random()
        if due and choice < 0.6:
            self.take(due[0])
        elif choice < 0.9:
            self.let_dynos_move()
        else:
            self.want_something()

    def settle(self) -> None:
        for _ in range(300):
            self.let_dynos_move()
            for step in steps(self.view)[:1]:
                self.take(step)

    def let_dynos_move(self) -> None:
        moved = []
        for one in self.view.dynos:
            if one.state == State.STARTING:
                state = State.CRASHED if one.version in self.broken else State.UP
                moved.append(replace(one, state=state, failure={"reason": "broken"}))
            elif one.state not in (State.DRAINING, State.STOPPING):
                moved.append(one)
        self.view = replace(self.view, dynos=moved)

    def want_something(self) -> None:
        if self.dice.random() < 0.7:
            self.versions += 1
            if self.dice.random() < 0.4 and self.view.head:
                self.broken.add(self.versions)
            pending = [*self.view.pending, release(self.versions)]
            self.view = replace(self.view, pending=pending)
        else:
            web = self.view.formation["web"]
            self.view = replace(
                self.view, formation={"web": replace(web, restarts=web.restarts + 1)}
            )

    def take(self, step) -> None:
        pending, dynos = list(self.view.pending), list(self.view.dynos)
        match step:
            case Expire(version) | Fail(version, _):
                pending = [one for one in pending if one.version != version]
            case BeginRollout(version):
                pending = [_staged(one, version, Stage.ROLLOUT) for one in pending]
            case Start(type_, ordinal, version, _, replaced):
                dynos = [one for one in dynos if one.id != replaced]
                restarts = self.view.formation["web"].restarts
                dynos.append(dyno(version, State.STARTING, type_, ordinal, restarts=restarts))
            case Switch(on, off, version):
                dynos = [_switched(one, on, off) for one in dynos]
                pending = [_staged(one, version, Stage.SWITCHED) for one in pending]
            case Stop(gone):
                dynos = [one for one in dynos if one.id != gone]
            case Succeed(version):
                head = next(one for one in pending if one.version == version)
                pending = [one for one in pending if one.version != version]
                self.view = replace(self.view, head=replace(head, stage=Stage.DONE))
        self.view = replace(self.view, pending=pending, dynos=dynos)


def _staged(one: Target, version: int | None, stage: str) -> Target:
    return replace(one, stage=stage) if one.version == version else one


def _switched(one: Dyno, on, off) -> Dyno:
    if one.id in on:
        return replace(one, routed=True)
    return replace(one, routed=False, state=State.DRAINING) if one.id in off else one


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_the_app_goes_on_answering_and_ends_as_wanted(seed):
    """Once two web dynos are routed there are never fewer, and in the end the newest good runs."""
    world = World(seed)
    world.view = replace(world.view, pending=[release(2)])
    for _ in range(400):
        world.act()
        routed = sum(1 for one in world.view.dynos if one.routed)
        world.least_routed = max(world.least_routed, min(routed, 2))
        assert routed >= world.least_routed
    world.settle()
    assert is_settled(world.view)
    good = [one for one in world.view.dynos if one.routed]
    assert {one.version for one in good} == {world.view.head.version}
    assert len(good) == len(world.view.dynos) == 2
    assert world.view.head.version not in world.broken
