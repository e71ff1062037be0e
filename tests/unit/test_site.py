"""The ground of dynos: what is to be in force is asked for until it is."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace

import pytest

from kedge.engine.docker import network, site
from kedge.engine.docker.rules import Opening
from kedge.errors import RuntimeDown
from kedge.settings import Settings

WAY = Opening("02:00:00:00:00:01", IPv4Address("10.0.0.2"), 5432)


class BusyFirewall:
    """Refuses the first openings, as iptables does while somebody else holds its lock."""

    def __init__(self):
        self.refusals, self.opened = 1, []

    def ensure(self, _fence):
        return False

    def open_ways(self, _fence, openings):
        if self.refusals:
            self.refusals -= 1
            raise RuntimeDown("Another app is currently holding the xtables lock.")
        self.opened.append(openings)


def test_ways_that_could_not_be_opened_are_opened_by_the_next_call(monkeypatch, tmp_path):
    """A dyno that is started again after a refusal does not go without its add-ons."""
    subnet = IPv4Network("10.0.0.0/24")
    found = network.Network("0", "kedge", "br-test", subnet, IPv4Address("10.0.0.1"))
    monkeypatch.setattr(network, "ensure", lambda *_: found)
    firewall = BusyFirewall()
    monkeypatch.setattr(site.Site, "_firewall_of", lambda *_: firewall)
    ground = site.Site(SimpleNamespace(installation="0" * 12), Settings(home=tmp_path))
    with pytest.raises(RuntimeDown):
        ground.open_ways((WAY,))
    ground.open_ways((WAY,))
    ground.open_ways((WAY,))
    assert firewall.opened == [(WAY,)]
