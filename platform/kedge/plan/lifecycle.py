"""What becomes of one dyno next: from its row and its container to one move.

starting ──> up ──> draining ──> stopping ──> ended
    └──────────┴──> crashed (of the formation) or ended (one-off)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kedge.engine.protocols import Container, Kind
from kedge.model.dyno import State
from kedge.model.tables import Json

SETTLE = timedelta(seconds=3)  # a process without a port is up when it still runs after this
CLAIM = timedelta(seconds=60)  # how long an attached one-off dyno waits for its client
# R10 needs that much of our own probing, as long as one answer may take: a boot time that passed
# while the supervisor or its database was away says nothing about the dyno.
PROBED_SECONDS = 10.0
LOST_CLIENT: Json = {"code": None, "reason": "The connection to its client was lost."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A dyno's row, as far as it matters here.

    `is_told_to_stop`: a stopping dyno's SIGTERM was sent, for certain, by this supervisor.
    `is_claimed`: the client of an attached dyno has come; `has_session`: it is with this very
    process, perhaps still waiting for the dyno's start.
    """

    kind: Kind
    type: str
    state: str
    created_at: datetime
    started_at: datetime | None = None
    draining_at: datetime | None = None
    stopping_at: datetime | None = None
    stop_requested: bool = False
    is_told_to_stop: bool = True
    is_attached: bool = False
    is_claimed: bool = False
    has_session: bool = False
    time_to_live: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The installation's times, in seconds."""

    boot_seconds: int
    drain_seconds: int
    kill_seconds: int
    release_seconds: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Make and start its container (both may have happened already)."""


@dataclass(frozen=True, slots=True)
class Arrive:
    """It is up."""


@dataclass(frozen=True, slots=True)
class Crash:
    """It ended, or never came up, and nobody asked for it."""

    failure: Json
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM to all its processes; with a failure when it ran out of its time."""

    failure: Json | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL: it did not end in time after SIGTERM (R12)."""


@dataclass(frozen=True, slots=True)
class End:
    """It is over as it should be; its container can go."""

    exit_status: int | None
    failure: Json | None = None


Move = Launch | Arrive | Crash | Terminate | Kill | End


def next_move(
    life: Life,
    container: Container | None,
    *,
    now: datetime,
    limits: Limits,
    is_healthy: bool = False,
    probed_seconds: float = 0.0,
    in_flight: int | None = None,
) -> Move | None:
    """The move to make now, None when there is something to wait for.

    `is_healthy` is what the probe found of a web dyno, `probed_seconds` for how long it has been
    at it; `in_flight` are the dyno's requests, None if unknown.
    """
    if life.state == State.STOPPING:
        return _stopping(life, container, now, limits)
    if life.state == State.DRAINING:
        return _draining(life, container, now, limits, in_flight)
    if life.state == State.STARTING and (container is None or container.status == "created"):
        return _not_begun(life, container, now)
    if life.state in (State.STARTING, State.UP):
        if container is None or container.status == "exited":
            return _ended(life, container)
        if life.started_at is None and not life.is_attached:
            return Launch()  # its maker was killed before it wrote down where the dyno is
        return _running(life, now, limits, is_healthy, probed_seconds)
    return None


def _not_begun(life: Life, container: Container | None, now: datetime) -> Move | None:
    if life.stop_requested:
        return End(None)
    if life.started_at is not None and container is None:
        return _ended(life, None)
    if not life.is_attached:
        return Launch()
    if life.has_session:
        return None  # its image is being loaded, which may take minutes
    if life.is_claimed:
        return End(None, LOST_CLIENT)
    if now - life.created_at > CLAIM:
        return End(None, {"code": "R13", "reason": "Nobody attached to the dyno within a minute."})
    return None


def _running(
    life: Life, now: datetime, limits: Limits, is_healthy: bool, probed_seconds: float
) -> Move | None:
    since = now - (life.started_at or life.created_at)
    if life.stop_requested:
        return Terminate()
    if life.is_attached and not life.has_session:
        return Terminate(LOST_CLIENT)  # nobody could ever end it, nor see what it does
    if life.kind != "dyno":
        return _one_off(life, since, limits)
    if life.state == State.UP:
        return None
    if life.type != "web":
        return Arrive() if since >= SETTLE else None
    if is_healthy:
        return Arrive()
    seconds = limits.boot_seconds
    if since > timedelta(seconds=seconds) and probed_seconds >= min(seconds, PROBED_SECONDS):
        reason = f"The web process did not bind $PORT and answer within {seconds} seconds."
        return Crash({"code": "R10", "reason": reason}, None)
    return None


def _one_off(life: Life, since: timedelta, limits: Limits) -> Move | None:
    allowed = limits.release_seconds if life.kind == "release" else life.time_to_live
    if allowed and since > timedelta(seconds=allowed):
        return Terminate(
            {"code": None, "reason": f"It ran longer than the {allowed} seconds it has."}
        )
    return Arrive() if life.state == State.STARTING else None


def _ended(life: Life, container: Container | None) -> Move:
    status = container.exit_status if container else None
    if life.kind == "dyno":
        return Crash(cause(container), status)
    return End(status, cause(container) if status != 0 else None)


def _draining(
    life: Life, container: Container | None, now: datetime, limits: Limits, in_flight: int | None
) -> Move | None:
    if container is None or container.status != "running":
        return End(container.exit_status if container else None)
    if life.draining_at is None:  # the router has not let go of it yet
        return None
    is_late = now - life.draining_at > timedelta(seconds=limits.drain_seconds)
    return Terminate() if in_flight == 0 or is_late else None


def _stopping(
    life: Life, container: Container | None, now: datetime, limits: Limits
) -> Move | None:
    if container is None or container.status != "running":
        return End(container.exit_status if container else None)
    if not life.is_told_to_stop:
        return Terminate()  # its stopper may have been killed before it could; twice does no harm
    since = now - (life.stopping_at or now)
    return Kill() if since > timedelta(seconds=limits.kill_seconds) else None


def cause(container: Container | None) -> Json:
    """Why a container ended, in words: `{"code", "reason", "exit_status", "signal"}`."""
    if container is None:
        return {"code": None, "reason": "Its container is gone; the engine does not know why."}
    status = container.exit_status
    if container.out_of_memory:
        return _cause(
            "R15", "It was killed for using far more memory than its size allows.", status
        )
    if container.error:
        return _cause(None, f"It could not be started: {container.error}", status)
    if status is not None and status > 128:
        name = _SIGNALS.get(status - 128, f"signal {status - 128}")
        return _cause(None, f"Process exited with status {status} ({name}).", status)
    if status == 127:
        return _cause(None, "Process exited with status 127: the command was not found.", status)
    return _cause(None, f"Process exited with status {status}.", status)


def _cause(code: str | None, reason: str, status: int | None) -> Json:
    return {"code": code, "reason": reason, "exit_status": status}


_SIGNALS = {1: "SIGHUP", 2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}
