from pathlib import Path

from kedge_router.app import Address, App
from kedge_router.map import RouteMap
from kedge_router.plan import in_force, plan
from kedge_router.runtime import DRAIN, Observed, Server

MAPS = Path("/r/maps")
NEW, OLD = Address("10.0.0.2", 5000), Address("10.0.0.1", 5000)
APP = App("id1", 1, "shop", ("*.example.org", "shop.test"), None, {"web.1-b": NEW})
ROUTES = RouteMap(2).put(APP)
EMPTY = Observed(
    servers={"slot_0001": {}, "slot_0002": {}},
    maps={"apps": {}, "state": {}, "hosts": {}, "wild": {}},
)


def observed(servers, **maps):
    return Observed(
        servers={"slot_0001": servers, "slot_0002": {}},
        maps={
            "apps": {"slot_0001": ["id1:shop"]},
            "state": {},
            "hosts": {"shop.test": ["slot_0001"]},
            "wild": {"example.org": ["slot_0001"]},
            **maps,
        },
    )


class TestPlan:
    def test_new_app_comes_up_before_its_hosts(self):
        """Servers are added and enabled first, hosts lead there last."""
        assert plan(ROUTES, EMPTY, MAPS).commands == (
            "add server slot_0001/web.1-b 10.0.0.2:5000 pool-purge-delay 4s pool-max-conn -1 id 1",
            "enable server slot_0001/web.1-b",
            "add map /r/maps/apps.map slot_0001 id1:shop",
            "add map /r/maps/hosts.map shop.test slot_0001",
            "add map /r/maps/wild.map example.org slot_0001",
        )

    def test_nothing_to_do_is_an_empty_plan(self):
        """A worker that holds the map is told nothing."""
        assert not plan(ROUTES, observed({"web.1-b": Server(NEW, 1)}), MAPS)

    def test_replacement_is_made_before_the_old_one_breaks(self):
        """The old server drains after the new one is ready."""
        commands = plan(ROUTES, observed({"web.1-a": Server(OLD, 1)}), MAPS).commands
        assert commands[0].endswith("id 2")
        assert commands[-1] == "set server slot_0001/web.1-a state drain"

    def test_draining_server_is_not_drained_again(self):
        """A server on its way out needs nothing."""
        there = {"web.1-b": Server(NEW, 2), "web.1-a": Server(OLD, 1, DRAIN)}
        assert not plan(ROUTES, observed(there), MAPS)

    def test_draining_server_that_is_wanted_again_gets_ready(self):
        """A roll-back to a server that still drains takes it back."""
        there = {"web.1-b": Server(NEW, 1, DRAIN)}
        assert plan(ROUTES, observed(there), MAPS).make == (
            "set server slot_0001/web.1-b state ready",
        )

    def test_changed_address_is_set_right(self):
        """An address somebody else changed in HAProxy is put back."""
        assert plan(ROUTES, observed({"web.1-b": Server(OLD, 1)}), MAPS).commands == (
            "set server slot_0001/web.1-b addr 10.0.0.2 port 5000",
        )

    def test_removed_app_loses_its_hosts_before_its_servers(self):
        """Requests stop coming before the servers go, and the log knows the slot to the end."""
        commands = plan(RouteMap(2), observed({"web.1-b": Server(NEW, 1)}), MAPS).commands
        assert commands == (
            "del map /r/maps/wild.map example.org",
            "del map /r/maps/hosts.map shop.test",
            "del map /r/maps/apps.map slot_0001",
            "set server slot_0001/web.1-b state drain",
        )

    def test_host_that_leads_elsewhere_is_set(self):
        """A host moves in one step, never through nowhere."""
        there = observed({"web.1-b": Server(NEW, 1)}, hosts={"shop.test": ["slot_0002"]})
        assert plan(ROUTES, there, MAPS).commands == (
            "set map /r/maps/hosts.map shop.test slot_0001",
        )


class TestInForce:
    def test_served_app_is_in_force(self):
        """An app is in force when just its servers are ready and just its hosts lead there."""
        there = observed(
            {"web.1-b": Server(NEW, 1)}, hosts={"shop.test": ["slot_0001"], "x": ["y"]}
        )
        assert in_force(ROUTES, there, MAPS) == {"id1"}

    def test_missing_host_is_not_in_force(self):
        """An app one of whose hosts does not lead to it is not in force."""
        there = observed({"web.1-b": Server(NEW, 1)}, hosts={})
        assert in_force(ROUTES, there, MAPS) == frozenset()

    def test_missing_server_is_not_in_force(self):
        """An app one of whose servers HAProxy does not know is not in force."""
        assert in_force(ROUTES, observed({}), MAPS) == frozenset()
