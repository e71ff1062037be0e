"""Services whose resources are servers: a container each, and a volume."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict
from typing import Any

from kedge_addons.errors import Away
from kedge_addons.instance import Instance
from kedge_addons.instances import Seen
from kedge_addons.resource import Resource, State
from kedge_addons.service import Observation, Service


class ServerService(Service):
    """The part of a life that all servers share.

    A server that was removed or stopped by whatever hand is brought back by the frame, by `mend`.
    """

    @abstractmethod
    def instance(self, resource: Resource) -> Instance:
        """The server it should have, from what was kept of it."""

    def inside(self, resource: Resource) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        """(health, usage, version) as the running server tells. Raises Away: it does not answer."""
        del resource
        return {}, {}, None

    def observe(self, resource: Resource) -> Observation:
        """Look at the container and, where it runs, ask the server in it."""
        if resource.state in (State.RESTING, State.LEAVING):
            return Observation(state="resting")
        seen = self.tools.instances.look(resource.id)
        health = {key: value for key, value in asdict(seen).items() if key != "state"}
        if seen.state != "running":
            problem = {"ok": False, "problems": [self._words(resource, seen)]}
            return Observation(state=seen.state, health=health | problem)
        try:
            told, usage, version = self.inside(resource)
        except Away as error:
            problem = {"ok": False, "problems": [error.message]}
            return Observation(state="starting", health=health | problem)
        memory = {"memory_bytes": self.tools.instances.memory_bytes(resource.id)}
        problems = told.pop("problems", [])
        health |= told | {"ok": not problems, "problems": problems}
        return Observation(state="running", health=health, usage=memory | usage, version=version)

    def mend(self, resource: Resource) -> None:
        """Have the server run again as it should."""
        is_new = resource.state == State.MAKING
        self.tools.instances.ensure(self.instance(resource), is_new=is_new)

    def destroy(self, resource: Resource) -> None:
        """The server stops and goes; its volume stays."""
        self.tools.instances.stop(resource.id)

    def remove(self, resource: Resource) -> None:
        """The volume goes."""
        self.tools.instances.forget(resource.id)

    def _words(self, resource: Resource, seen: Seen) -> str:
        if seen.was_out_of_memory:
            return "The server took more memory than its plan has, and was ended."
        if not self.tools.instances.has_volume(resource.id):
            return "Its volume was removed from the engine, and with it all that was in it."
        return f"The server is {seen.state}."
