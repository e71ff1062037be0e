"""Servers of add-ons as containers: one each, on the dyno network, with its data on a volume.

A container is made anew when it starts and what it should be has changed, and by `renew`; never for
itself while it serves. The volume stays until `forget`.
Dynos find a server by the add-on's name, and reach it only where the platform lets them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.errors

from kedge_addons import execution
from kedge_addons.engine import Engine, is_status, translated
from kedge_addons.errors import Away
from kedge_addons.instance import (
    ADDON,
    DATA,
    HOME,
    KEEP,
    KIND,
    SPEC,
    USER,
    Instance,
    command_of,
    host_config,
    labels_of,
    packed,
)

STOP_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A server as the engine sees it. `state`: running, starting, stopped or missing."""

    state: str
    started_at: str | None = None
    restarts: int = 0
    exit_code: int | None = None
    was_out_of_memory: bool = False
    address: str | None = None


class Instances:
    """All servers of one installation."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self._image = engine, image

    # --- from missing to running, and back ---

    def ensure(self, wanted: Instance, *, is_new: bool = False) -> None:
        """Have it run. One that runs already is left alone.

        Raises:
            Away: the engine does not answer; or its volume is gone, and it is not new: an empty
                server in its place would only hide that.
        """
        self._have(wanted, renews=False, is_new=is_new)

    def renew(self, wanted: Instance) -> None:
        """Have it run as it should be; it starts anew where that differs. Raises as `ensure`."""
        self._have(wanted, renews=True, is_new=False)

    def _have(self, wanted: Instance, *, renews: bool, is_new: bool) -> None:
        with translated("make a server"):
            image_id, digest = self._image_id(), wanted.digest()
            found = self._inspected(wanted.resource_id)
            runs = found is not None and found["State"]["Running"]
            if found is not None and (renews or not runs):
                same = (found["Config"]["Labels"].get(SPEC), found["Image"])
                if same != (digest, image_id):
                    self._end(found["Id"])
                    found, runs = None, False
            if not runs:
                self._have_volume(wanted, is_new=is_new)
                container = found["Id"] if found else self._create(wanted, image_id, digest)
                self._write(container, wanted.files)
                self.engine.api.start(container)

    def write(self, wanted: Instance) -> None:
        """Write its files anew: it may be restarted by other hands than ours. Raises Away."""
        with translated("write files of a server"):
            self._write(self.name(wanted.resource_id), wanted.files)

    def stop(self, resource_id: uuid.UUID) -> None:
        """Stop and remove the server; its volume stays. Raises Away."""
        with translated("stop a server"):
            found = self._inspected(resource_id)
            if found is not None:
                self._end(found["Id"])

    def restart(self, resource_id: uuid.UUID) -> None:
        """Restart the server. Raises Away."""
        with translated("restart a server"):
            self.engine.api.restart(self.name(resource_id), timeout=STOP_SECONDS)

    def forget(self, resource_id: uuid.UUID) -> None:
        """Remove the server and, for good, its volume. Raises Away."""
        self.stop(resource_id)
        with translated("remove a volume"):
            try:
                self.engine.api.remove_volume(self.name(resource_id))
            except docker.errors.NotFound:
                return

    # --- what is seen ---

    def look(self, resource_id: uuid.UUID) -> Seen:
        """The server as it is now. Raises Away."""
        with translated("look at a server"):
            found = self._inspected(resource_id)
        return _seen(found, self.network) if found else Seen(state="missing")

    def has_volume(self, resource_id: uuid.UUID) -> bool:
        """Whether what was in it is there. Raises Away."""
        with translated("look at a volume"):
            try:
                self.engine.api.inspect_volume(self.name(resource_id))
            except docker.errors.NotFound:
                return False
            return True

    def running(self) -> set[uuid.UUID]:
        """The resources whose server runs. Raises Away."""
        wanted = [f"{HOME}={self.engine.installation}", f"{KIND}=addon"]
        with translated("list servers"):
            listed = self.engine.api.containers(filters={"label": wanted, "status": ["running"]})
        return {uuid.UUID(each["Labels"][ADDON]) for each in listed if ADDON in each["Labels"]}

    def memory_bytes(self, resource_id: uuid.UUID) -> int:
        """What the server uses now, without the kernel's cache of files. Raises Away."""
        with translated("measure a server"):
            usage = self.engine.api.stats(self.name(resource_id), stream=False, one_shot=True)
        counted = usage.get("memory_stats") or {}
        detail = counted.get("stats") or {}
        cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        return max(0, int(counted.get("usage", 0)) - int(cache))

    def log(self, resource_id: uuid.UUID, lines: int = 100) -> str:
        """The newest lines the server wrote. Raises Away."""
        with translated("read a server's log"):
            written = self.engine.api.logs(self.name(resource_id), tail=lines)
        return bytes(written).decode(errors="replace")

    # --- inside ---

    def run(self, resource_id: uuid.UUID, command: Sequence[str], given: bytes = b"",
            **more: Any) -> str:  # fmt: skip
        """What a command in the server writes; `execution.run` says more."""
        return execution.run(self.engine, self.name(resource_id), command, given, **more)

    def stream(self, resource_id: uuid.UUID, command: Sequence[str],
               given: Iterable[bytes] = (), **more: Any) -> Iterator[bytes]:  # fmt: skip
        """The same as it comes; `execution.stream` says more."""
        return execution.stream(self.engine, self.name(resource_id), command, given, **more)

    def run_with(self, resource_id: uuid.UUID, command: Sequence[str],
                 given: Iterable[bytes], **more: Any) -> str:  # fmt: skip
        """What a command writes that is given a stream, such as another server's."""
        return b"".join(self.stream(resource_id, command, given, **more)).decode(errors="replace")

    # --- names ---

    def name(self, resource_id: uuid.UUID) -> str:
        """What the container and the volume of a resource are called."""
        return f"kedge-{self.engine.installation}-addon-{resource_id}"

    @property
    def network(self) -> str:
        """The dyno network, which the platform makes."""
        return f"kedge-{self.engine.installation}"

    # --- how ---

    def _inspected(self, resource_id: uuid.UUID) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.engine.api.inspect_container(self.name(resource_id))
        except docker.errors.NotFound:
            return None
        return found

    def _image_id(self) -> str:
        try:
            return str(self.engine.api.inspect_image(self._image)["Id"])  # type: ignore[no-untyped-call]
        except docker.errors.ImageNotFound:
            raise Away(
                f"The engine has no image {self._image}. Make it on the server: kedge stack:build"
            ) from None

    def _gateway(self) -> str:
        try:
            found = self.engine.api.inspect_network(self.network)
        except docker.errors.NotFound:
            raise Away("The dyno network is not there yet.") from None
        return str(found["IPAM"]["Config"][0]["Gateway"])

    def _have_volume(self, wanted: Instance, *, is_new: bool) -> None:
        if is_new:
            labels = labels_of(wanted, self.engine.installation) | {KEEP: "data"}
            self.engine.api.create_volume(self.name(wanted.resource_id), labels=labels)
        elif not self.has_volume(wanted.resource_id):
            raise Away(f"The volume of {wanted.alias} is gone, and with it all that was in it.")

    def _create(self, wanted: Instance, image_id: str, digest: str) -> str:
        api, name = self.engine.api, self.name(wanted.resource_id)
        networks: Any = {self.network: api.create_endpoint_config(aliases=[wanted.alias])}
        made = api.create_container(
            image_id,
            command_of(wanted, self._gateway()),
            name=name,
            hostname=wanted.alias[:63],
            user=str(USER),
            stop_signal=wanted.stop_signal,
            environment=dict(wanted.environment),
            labels=labels_of(wanted, self.engine.installation) | {SPEC: digest},
            networking_config=api.create_networking_config(networks),
            host_config=host_config(api, wanted, name, self.network),
        )
        return str(made["Id"])

    def _write(self, container: str, files: Mapping[str, bytes]) -> None:
        if files:
            self.engine.api.put_archive(container, DATA, packed(files))

    def _end(self, container: str) -> None:
        try:
            self.engine.api.stop(container, timeout=STOP_SECONDS)
            self.engine.api.remove_container(container, force=True)
        except docker.errors.APIError as error:
            if not is_status(error, 404, 409):  # gone, or going
                raise


def _seen(found: Mapping[str, Any], network: str) -> Seen:
    state = found["State"]
    on_network = (found["NetworkSettings"]["Networks"] or {}).get(network) or {}
    word = "starting" if state["Restarting"] else "running" if state["Running"] else "stopped"
    return Seen(
        state=word,
        started_at=state["StartedAt"],
        restarts=int(found.get("RestartCount") or 0),
        exit_code=None if state["Running"] else int(state["ExitCode"]),
        was_out_of_memory=bool(state["OOMKilled"]),
        address=on_network.get("IPAddress") or None,
    )
