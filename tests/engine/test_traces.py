"""Removing an installation from a real engine, and nothing else."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from contract.lab import free_port
from kedge.engine.docker import labels, network, traces
from kedge.engine.docker.client import Engine
from kedge.engine.docker.site import Site
from kedge.engine.docker.traces import Traces, Volume
from kedge.settings import Settings

pytestmark = pytest.mark.docker
NOTHING = Traces((), (), ())


class Leftovers:
    """One of everything an installation has on its engine, of the same make for each."""

    def __init__(self, settings: Settings, identity: str) -> None:
        self.engine, self.settings = Engine(settings.docker_host, identity), settings
        self.site = Site(self.engine, settings)
        self.cache, self.data = f"kedge-{identity}-cache", f"kedge-{identity}-data"

    def make(self) -> None:
        """Make them, without an app or a build."""
        api, ours = self.engine.api, {labels.HOME: self.engine.installation}
        at = self.site.ensure().name
        api.create_volume(self.cache, labels=ours)
        api.create_volume(self.data, labels={**ours, labels.KEEP: "data"})
        made = api.create_container(
            self.settings.stack_run_image, ["sleep", "99"], labels=ours,
            host_config=api.create_host_config(network_mode=at, binds=[f"{self.data}:/data"]),
        )  # fmt: skip
        api.start(made)
        api.commit(made, f"kedge-{self.engine.installation}/slug", "one", conf={"Labels": ours})

    def counts(self) -> tuple[int, int, list[bool]]:
        """Containers, images, and of each volume whether it is data."""
        found = traces.find(self.engine)
        kinds = sorted(volume.is_data for volume in found.volumes)
        return len(found.containers), len(found.images), kinds

    def remove(self, **options: Any) -> None:
        """Remove all of it."""
        traces.remove_all(self.settings, self.engine.installation, **options)

    def chains(self) -> list[str]:
        """Its chains in this machine's firewall."""
        listed = subprocess.run(
            ["iptables", "-w", "5", "-S"], capture_output=True, text=True, check=True
        )
        mark = f"-N KEDGE-{self.engine.installation}-"
        return [line for line in listed.stdout.splitlines() if line.startswith(mark)]


@pytest.fixture
def two(docker_home: tuple[Settings, str]) -> Iterator[tuple[Leftovers, Leftovers]]:
    """Two installations on one engine."""
    settings, _ = docker_home
    ports = {"http_port": free_port(), "https_port": free_port()}
    both = [
        Leftovers(Settings(home=settings.home, **ports), secrets.token_hex(6)) for _ in range(2)
    ]
    try:
        for each in both:
            each.make()
        yield both[0], both[1]
    finally:
        for each in both:
            each.remove()


def test_all_of_one_and_nothing_of_the_other(two: tuple[Leftovers, Leftovers]):
    """One installation's traces go, again and again without complaint; another's are untouched."""
    ours, theirs = two
    before = theirs.counts()
    weight = traces.weigh(ours.engine)
    assert weight is not None
    told: list[tuple[str, int, int]] = []
    ours.remove(told=lambda *what: told.append(what))
    assert told == [
        ("containers", 1, 1), ("images", 1, 1), ("volumes", 1, 2), ("volumes", 2, 2),
    ]  # fmt: skip
    assert traces.find(ours.engine) == NOTHING
    assert network.find(ours.engine) is None
    ours.remove()
    assert theirs.counts() == before == (1, 1, [False, True])
    assert theirs.site.check() == []


def test_data_that_is_kept(two: tuple[Leftovers, Leftovers]):
    """With `keep_data` the volumes of add-ons stay, and nothing else does."""
    ours, _ = two
    ours.remove(keep_data=True)
    assert traces.find(ours.engine) == Traces((), (), (Volume(ours.data, is_data=True),))
    assert network.find(ours.engine) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="looking at the firewall needs root")
def test_the_firewall_of_a_network_that_was_pruned(two: tuple[Leftovers, Leftovers]):
    """Chains of a network that somebody else has removed go too; the other's stay."""
    ours, theirs = two
    for container in traces.find(ours.engine).containers:
        ours.engine.api.remove_container(container, force=True)
    network.remove(ours.engine)
    assert len(ours.chains()) == 3
    ours.remove()
    assert ours.chains() == []
    assert len(theirs.chains()) == 3
