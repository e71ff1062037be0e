"""What to do next for one app: from what runs and what is wanted to steps.

One rule for every change, be it a deploy, a config change, a rollback, a restart or scaling: start
the new dynos → each healthy → the router takes them and lets go of the old ones → the old ones
drain → they stop. `steps` looks at what is there and says the next steps, so whoever carries them
out may be killed at any moment and begin again by looking.

The words: a *slot* is a place in the formation (web.1, web.2, worker.1). A dyno *fits* a release
when it has its version, the size its process type has now, and was started after the last restart
somebody asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kedge.model.dyno import State
from kedge.model.release import Stage
from kedge.model.tables import Json

WEB = "web"
RUNNING = (State.STARTING, State.UP, State.CRASHED)
BEGUN = (Stage.RELEASE_PHASE, Stage.ROLLOUT, Stage.SWITCHED)


# --- what is there, and what is wanted ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A release that runs, or is to run."""

    version: int
    process_types: Mapping[str, str]
    stage: str = Stage.DONE
    release_phase: ReleasePhase | None = None


@dataclass(frozen=True, slots=True)
class ReleasePhase:
    """The release command's dyno: still running without a status; `failure` tells why it failed."""

    exit_status: int | None = None
    failure: Json | None = None
    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process type of the formation. `restarts` counts the restarts asked for."""

    quantity: int
    size: str
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dyno:
    """A dyno of the formation that has not ended."""

    id: UUID
    type: str
    ordinal: int
    version: int
    size: str
    state: str
    restarts: int = 0
    routed: bool = False
    restart_requested: bool = False
    crash_count: int = 0
    retry_at: datetime | None = None
    failure: Json | None = None

    @property
    def slot(self) -> Slot:
        """The place in the formation it has."""
        return (self.type, self.ordinal)


Slot = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One app, at one moment. `pending` are the releases not live yet, oldest first."""

    now: datetime
    head: Target | None
    pending: Sequence[Target] = ()
    formation: Mapping[str, Process] = field(default_factory=dict)
    dynos: Sequence[Dyno] = ()
    is_being_deleted: bool = False
    is_building: bool = False


# --- what to do --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expire:
    """A newer release made this one unnecessary before anything of it began."""

    version: int


@dataclass(frozen=True, slots=True)
class RunReleasePhase:
    """Run the release command in a one-off dyno of the new slug and config."""

    version: int


@dataclass(frozen=True, slots=True)
class BeginRollout:
    """From now on the release's dynos are brought up beside the old ones."""

    version: int


@dataclass(frozen=True, slots=True)
class Start:
    """A dyno for a slot. `replaces` is the crashed one it follows, which ends with this."""

    type: str
    ordinal: int
    version: int
    crash_count: int = 0
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """The router takes the dynos of `on` and lets go of those of `off`, which then drain.

    With a version, this is the moment that release takes over.
    """

    on: tuple[UUID, ...]
    off: tuple[UUID, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A dyno no request goes to ends: SIGTERM, time to finish, SIGKILL."""

    dyno_id: UUID


@dataclass(frozen=True, slots=True)
class Succeed:
    """The release is live: what is wanted of it runs and the router knows it."""

    version: int


@dataclass(frozen=True, slots=True)
class Fail:
    """The release did not come up; the old dynos were never touched."""

    version: int
    failure: Json


@dataclass(frozen=True, slots=True)
class Erase:
    """Nothing of a deleted app runs any more: its route and rows can go."""


Step = Expire | RunReleasePhase | BeginRollout | Start | Switch | Stop | Succeed | Fail | Erase


# --- the decision ------------------------------------------------------------------------------


def steps(view: View) -> list[Step]:
    """The steps to take now; none when all is as wanted or there is something to wait for."""
    if view.is_being_deleted:
        return _wind_up(view)
    coming = coming_release(view)
    found: list[Step] = [Expire(old.version) for old in _superseded(view, coming)]
    if coming is None:
        return found + _maintain(view, view.head, protect=None)
    if coming.stage == Stage.SWITCHED:
        return found + (_maintain(view, coming, protect=None) or _conclude(view, coming))
    found += _maintain(view, view.head, protect=coming.version)
    if coming.stage == Stage.ROLLOUT:
        return found + _bring_up(view, coming)
    return found + _begin(coming)


def coming_release(view: View) -> Target | None:
    """The release on its way out: one that has begun, else the newest that waits."""
    begun = [release for release in view.pending if release.stage in BEGUN]
    return begun[0] if begun else (view.pending[-1] if view.pending else None)


def is_settled(view: View) -> bool:
    """Whether what runs is what is wanted, as far as it can be."""
    return not view.pending and _all_there(view, view.head) and not _leftover(view, view.head, None)


def _superseded(view: View, coming: Target | None) -> Iterator[Target]:
    for release in view.pending:
        if release.stage == Stage.WAITING and coming and release.version < coming.version:
            yield release


def _begin(coming: Target) -> list[Step]:
    phase = coming.release_phase
    if phase is None:
        return [BeginRollout(coming.version)]
    if not phase.has_begun:
        return [RunReleasePhase(coming.version)]
    if phase.failure is not None:
        return [Fail(coming.version, phase.failure)]
    return [BeginRollout(coming.version)] if phase.exit_status == 0 else []


def _bring_up(view: View, coming: Target) -> list[Step]:
    """All web dynos of the release, side by side with the old; then the switch, for all at once."""
    fitting = {
        slot: _fitting(view, coming, slot) for slot in _slots(view, coming) if slot[0] == WEB
    }
    for dyno in fitting.values():
        if dyno is not None and dyno.state == State.CRASHED:
            return [Fail(coming.version, dyno.failure or {"reason": "A web dyno crashed."})]
    missing = [slot for slot, dyno in fitting.items() if dyno is None]
    if missing:
        return [Start(type_, ordinal, coming.version) for type_, ordinal in missing]
    ready = [dyno for dyno in fitting.values() if dyno is not None]
    if any(dyno.state != State.UP for dyno in ready):
        return []
    on = tuple(dyno.id for dyno in ready)
    off = tuple(dyno.id for dyno in view.dynos if dyno.routed and dyno.id not in on)
    return [Switch(on, off, coming.version)]


def _conclude(view: View, coming: Target) -> list[Step]:
    return [Succeed(coming.version)] if _all_there(view, coming) else []


def _maintain(view: View, target: Target | None, protect: int | None) -> list[Step]:
    """Keep the formation of a release filled, and end what is not of it.

    Dynos of the `protect` version are somebody else's business: a release being brought up.
    """
    found: list[Step] = []
    on: list[UUID] = []
    for slot in _slots(view, target):
        dyno = _fitting(view, target, slot)
        if dyno is None:
            found.append(Start(*slot, _version(target)))
        elif dyno.state == State.CRASHED and dyno.retry_at and dyno.retry_at <= view.now:
            found.append(Start(*slot, _version(target), dyno.crash_count, dyno.id))
        elif dyno.type == WEB and dyno.state == State.UP and not dyno.routed:
            on.append(dyno.id)
    leaving = _leftover(view, target, protect)
    off = [dyno.id for dyno in leaving if dyno.routed]
    if on or off:
        found.append(Switch(tuple(on), tuple(off)))
    return found + [Stop(dyno.id) for dyno in leaving if not dyno.routed]


def _leftover(view: View, target: Target | None, protect: int | None) -> list[Dyno]:
    """Dynos that may end now: whose place is gone, or taken by one that is up."""
    slots = set(_slots(view, target))
    leaving = []
    for dyno in view.dynos:
        if dyno.state not in RUNNING or dyno.version == protect:
            continue
        successor = _fitting(view, target, dyno.slot)
        is_replaceable = dyno.state != State.UP or _has_taken_over(successor)
        if dyno.slot not in slots or (successor is not dyno and is_replaceable):
            leaving.append(dyno)
    return leaving


def _all_there(view: View, target: Target | None) -> bool:
    fitting = [_fitting(view, target, slot) for slot in _slots(view, target)]
    return all(dyno and (_has_taken_over(dyno) or dyno.state == State.CRASHED) for dyno in fitting)


def _has_taken_over(dyno: Dyno | None) -> bool:
    """Whether the one before it in its slot may go.

    A web dyno has when the router sends it requests; another when it is up, or crashed (a worker
    that exits at once does not keep the old code running).
    """
    if dyno is None:
        return False
    return dyno.routed if dyno.type == WEB else dyno.state in (State.UP, State.CRASHED)


def _wind_up(view: View) -> list[Step]:
    routed = tuple(dyno.id for dyno in view.dynos if dyno.routed)
    if routed:
        return [Switch((), routed)]
    running = [dyno for dyno in view.dynos if dyno.state in RUNNING]
    is_empty = not view.dynos and not view.is_building
    return [Stop(dyno.id) for dyno in running] or ([Erase()] if is_empty else [])


def _slots(view: View, target: Target | None) -> list[Slot]:
    """The places a release's formation has."""
    return [
        (type_, ordinal)
        for type_, process in view.formation.items()
        if target is not None and type_ in target.process_types and type_ != "release"
        for ordinal in range(1, process.quantity + 1)
    ]


def _fitting(view: View, target: Target | None, slot: Slot) -> Dyno | None:
    """The dyno in a slot that is as the release and the formation want it."""
    process = view.formation.get(slot[0])
    for dyno in view.dynos:
        if (
            dyno.slot == slot
            and dyno.state in RUNNING
            and target is not None
            and process is not None
            and (dyno.version, dyno.size, dyno.restarts)
            == (target.version, process.size, process.restarts)
            and not dyno.restart_requested
        ):
            return dyno
    return None


def _version(target: Target | None) -> int:
    return target.version if target else 0
