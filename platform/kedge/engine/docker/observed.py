"""What the engine says of our containers, as values; what cannot change is asked once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal, cast

import docker.errors

from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.times import nanoseconds_or_none
from kedge.engine.protocols import Container, Kind

Status = Literal["created", "running", "exited"]
# A container being removed, or that could not be, runs no more; a paused one still has its place.
STATUSES: Mapping[str, Status] = {
    "created": "created",
    "running": "running",
    "restarting": "running",
    "paused": "running",
    "exited": "exited",
    "removing": "exited",
    "dead": "exited",
}


class Observed:
    """The containers of one installation's dynos.

    One list call tells the states; a container is inspected only when its state is new, so that
    looking every second at fifty dynos stays cheap.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Status, Container]] = {}
        self._pids: dict[str, int] = {}
        self._changes = 0

    def all(self) -> list[Container]:
        """Every container of a dyno, whatever its state."""
        with translated("list containers"):
            listed = self._engine.api.containers(
                all=True, filters=labels.filters(self._engine.installation)
            )
        ours = [each for each in listed if each["Labels"].get(labels.KIND) in labels.DYNO_KINDS]
        self._forget_all_but({each["Id"] for each in ours})
        found = (self._as_listed(each) for each in ours)
        return [container for container in found if container is not None]

    def one(self, runtime_id: str) -> Container | None:
        """One container as it is this moment, None when it is gone."""
        with self._lock:
            changes = self._changes
        with translated("inspect a container"):
            try:
                found = self._engine.api.inspect_container(runtime_id)
            except docker.errors.NotFound:
                self.changed(runtime_id)
                return None
        container = container_of(found)
        with self._lock:
            if changes == self._changes:  # else the answer may be older than what happened
                self._known[runtime_id] = (container.status, container)
                self._pids[runtime_id] = found["State"].get("Pid") or 0
        return container

    def known(self, runtime_id: str) -> Container | None:
        """One container as it was found last, None when nothing is known of it any more."""
        with self._lock:
            known = self._known.get(runtime_id)
        return known[1] if known else None

    def pid(self, runtime_id: str) -> int:
        """The process id of a running dyno's init on the engine's host; 0 when there is none."""
        with self._lock:
            known = self._pids.get(runtime_id, 0)
        if known == 0:
            self.one(runtime_id)
        with self._lock:
            return self._pids.get(runtime_id, 0)

    def changed(self, runtime_id: str) -> None:
        """Something happened to it: ask again next time."""
        with self._lock:
            self._changes += 1
            self._known.pop(runtime_id, None)
            self._pids.pop(runtime_id, None)

    def _as_listed(self, listed: dict[str, Any]) -> Container | None:
        status = STATUSES.get(listed["State"], "exited")
        with self._lock:
            known = self._known.get(listed["Id"])
        if known is not None and known[0] == status:
            return known[1]
        return self.one(listed["Id"])

    def _forget_all_but(self, present: set[str]) -> None:
        with self._lock:
            for runtime_id in self._known.keys() - present:
                del self._known[runtime_id]
                self._pids.pop(runtime_id, None)


def container_of(inspected: Mapping[str, Any]) -> Container:
    """A container of ours from the engine's full description of it."""
    has, state = inspected["Config"]["Labels"], inspected["State"]
    status = STATUSES.get(state["Status"], "exited")
    started_at_ns = nanoseconds_or_none(state["StartedAt"])
    finished_at_ns = nanoseconds_or_none(state["FinishedAt"]) if status == "exited" else None
    if started_at_ns and finished_at_ns:
        # Of a process that ends at once the engine may note the end before the start.
        finished_at_ns = max(finished_at_ns, started_at_ns + 1)
    return Container(
        runtime_id=inspected["Id"],
        dyno_id=labels.uuid_of(has, labels.DYNO_ID),
        app_id=labels.uuid_of(has, labels.APP_ID),
        kind=cast("Kind", has[labels.KIND]),
        name=has[labels.DYNO],
        release_version=int(has[labels.RELEASE]),
        status=status,
        address=_address(inspected) if status == "running" else None,
        started_at_ns=started_at_ns,
        finished_at_ns=finished_at_ns,
        exit_status=state["ExitCode"] if status == "exited" else None,
        out_of_memory=bool(state["OOMKilled"]),
        error=state["Error"] or None,
    )


def _address(inspected: Mapping[str, Any]) -> str | None:
    networks = inspected["NetworkSettings"]["Networks"] or {}
    return next((each["IPAddress"] for each in networks.values() if each["IPAddress"]), None)
