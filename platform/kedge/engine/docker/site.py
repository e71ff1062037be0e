"""What dynos and builds stand on: the network and its firewall, looked after together."""

from __future__ import annotations

import threading
import time

from kedge.engine.docker import network
from kedge.engine.docker.client import Engine
from kedge.engine.docker.firewall import Firewall, host_of, host_of_old, name_servers
from kedge.engine.docker.host import HostThroughContainer
from kedge.engine.docker.network import Network
from kedge.engine.docker.rules import Fence, Opening
from kedge.settings import Settings

# How long a look at the ground is trusted. Looking through a container takes half a second.
TRUSTED_SECONDS = 5.0
TRUSTED_SECONDS_THROUGH_CONTAINER = 60.0


class Site:
    """The ground of one installation on one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self._settings = settings
        # None: somebody else's business (a builder keeps the fence, the supervisor opens ways).
        self._openings: tuple[Opening, ...] | None = None
        self._opened: tuple[Opening, ...] | None = None  # what of that is known to be in force
        self._lock = threading.Lock()
        self._network: Network | None = None
        self._firewall: Firewall | None = None
        self._trusted_until = 0.0
        self._trusted_seconds = TRUSTED_SECONDS

    def ensure(self, *, look: bool = False) -> Network:
        """The network, there and fenced; looked at again after a few seconds or with `look`.

        Raises:
            RuntimeDown: the engine does not answer, or the firewall cannot be put in force.
        """
        with self._lock:
            if self._network is None or look or time.monotonic() > self._trusted_until:
                self._network = self._looked_at()
                self._trusted_until = time.monotonic() + self._trusted_seconds
            return self._network

    def open_ways(self, openings: tuple[Opening, ...]) -> None:
        """Let dynos reach these ports of add-ons, and no others.

        One process of an installation calls this; it keeps them in force from then on.

        Raises:
            RuntimeDown: they are not in force, and are tried again with the next call.
        """
        with self._lock:
            is_new, self._openings = openings != self._opened, openings
        if is_new:
            self.ensure(look=True)

    def check(self) -> list[str]:
        """What of network and firewall is not as it should be, in words."""
        found = network.find(self.engine)
        if found is None:
            return ["the dyno network is missing"]
        return self._firewall_of(found).check(self._fence(found))

    def remove(self) -> None:
        """Take network and firewall away. Containers on the network must be gone.

        The firewall goes also when somebody has removed the network, which `docker network prune`
        does to one without containers.
        """
        with self._lock:
            bridge = network.bridge_of(self.engine.installation)
            there = network.find(self.engine) is not None
            image = self._settings.stack_run_image
            host = host_of(self.engine, bridge, image) if there else host_of_old(self.engine, image)
            if host:
                Firewall(host).remove(self._fence_of(bridge))
            network.remove(self.engine)
            self._network = None

    def _looked_at(self) -> Network:
        found = network.ensure(self.engine, self._settings.network_pool)
        firewall, fence = self._firewall_of(found), self._fence(found)
        firewall.ensure(fence)
        if self._openings is not None:
            firewall.open_ways(fence, self._openings)
            self._opened = self._openings
        return found

    def _firewall_of(self, found: Network) -> Firewall:
        if self._firewall is None:
            host = host_of(self.engine, found.bridge, self._settings.stack_run_image)
            if isinstance(host, HostThroughContainer):
                self._trusted_seconds = TRUSTED_SECONDS_THROUGH_CONTAINER
            self._firewall = Firewall(host)
        return self._firewall

    def _fence(self, found: Network) -> Fence:
        return self._fence_of(found.bridge)

    def _fence_of(self, bridge: str) -> Fence:
        return Fence(
            installation=self.engine.installation,
            bridge=bridge,
            router_ports=(self._settings.http_port, self._settings.https_port),
            name_servers=name_servers(),
        )
