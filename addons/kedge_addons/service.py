"""What a service is to the frame: the hooks it may have, and the tools it is given.

Every hook may be called again after its process was killed at any point: it looks at what is
there and goes on. The frame sees to it that no two hooks are at one resource at the same time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from flask import Blueprint

from kedge_addons.database import Database
from kedge_addons.instances import Instances
from kedge_addons.keys import Keys
from kedge_addons.offer import Offer, Plan
from kedge_addons.platform import Platform
from kedge_addons.resource import Config, Resource
from kedge_addons.resources import Resources
from kedge_addons.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What hooks work with."""

    settings: Settings
    keys: Keys
    database: Database
    resources: Resources
    instances: Instances
    platform: Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A resource as it is seen now, never as it should be.

    Args:
        state: `running`, `starting`, `stopped`, `missing` or `resting`.
        health: names to words or numbers; `ok` is a truth value, `problems` a list of words.
        usage: what is used now: `size_bytes`, `connections`, `memory_bytes`, …
        version: of the server.
    """

    state: str
    health: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None


class Service(ABC):
    """One built-in service. `offer` is what it offers."""

    offer: ClassVar[Offer]

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    # --- a resource's life ---

    def accept(self, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a new resource, checked. Raises Refused: they cannot be.

        Everything else about a new resource comes later, in `provision`.
        """
        del plan
        return dict(options)

    @abstractmethod
    def provision(self, resource: Resource) -> Resource:
        """Make it, or go on making it; the resource with its secrets kept.

        Raises:
            Refused: it cannot be made, for good.
            Away: not now; it is tried again.
        """

    @abstractmethod
    def config(self, resource: Resource) -> Config:
        """Its config vars, out of what was kept of it: no I/O."""

    @abstractmethod
    def observe(self, resource: Resource) -> Observation:
        """Look at it. Raises Away."""

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """Have it follow the limits of another plan. Raises Refused: what is in it does not fit."""
        del plan
        return resource

    def rotate(self, resource: Resource, *, at_once: bool = False) -> Resource:
        """Give it new credentials; the frame then tells the platform, which makes a release.

        Old ones may go on for a moment, so that no request fails; `at_once` they do not.
        """
        del resource, at_once
        raise NotImplementedError

    def destroy(self, resource: Resource) -> None:  # noqa: B027 - nothing runs for some services
        """Have it serve nobody any more; what is in it stays."""

    def restore(self, resource: Resource) -> Resource:
        """Bring back what was destroyed, with all that was in it."""
        return self.provision(resource)

    def remove(self, resource: Resource) -> None:  # noqa: B027 - nothing is left of some services
        """Remove what is left of it, for good."""

    def settle(self, resource: Resource) -> datetime | None:
        """Do what is due at one that is ready; when to look at it again, None: not before asked.

        The frame calls it at the moment the one before it named.
        """
        del resource
        return None

    def tick(self) -> None:  # noqa: B027 - most services have nothing to do by the clock
        """Called every `worker.TICK_SECONDS`, in one process of all."""

    # --- beyond the partner API ---

    def message(self, resource: Resource) -> str:
        """What whoever asked for it is told."""
        return f"{self.offer.human_name} {resource.name} is ready."

    def routes(self) -> Blueprint | None:
        """Further calls of the platform's, mounted at `/<service>/kedge/resources/<resource_id>`.

        Views take `resource_id`; the password was checked. `web.called` gives the resource.
        """
        return None

    def pages(self) -> Blueprint | None:
        """Pages for people, mounted at `/provider/<service>/resources/<resource_id>`.

        Views take `resource_id`; the frame has checked that the person signed in for it.
        """
        return None

    def open_pages(self) -> Blueprint | None:
        """Pages for whoever has their address, mounted at `/provider/<service>`: they check it."""
        return None

    # --- at hand ---

    def plan_of(self, resource: Resource) -> Plan:
        """The plan it is on."""
        return self.offer.plan(resource.plan)
