import pytest

from kedge_router.app import Address, App
from kedge_router.errors import Conflict, Stale
from kedge_router.map import RouteMap, refuse_reused_names


def app(app_id="a", version=1, hosts=("a.test",), port=5000):
    return App(app_id, version, app_id, tuple(hosts), None, {"web.1-x": Address("10.0.0.1", port)})


class TestVersions:
    def test_lower_version_is_stale(self):
        """A version below the one in force is refused and names the current one."""
        routes = RouteMap(4).put(app(version=5))
        with pytest.raises(Stale) as refusal:
            routes.put(app(version=4))
        assert refusal.value.body()["version"] == 5

    def test_same_again_changes_nothing(self):
        """The same version with the same routes is the same map."""
        routes = RouteMap(4).put(app())
        assert routes.put(app()) is routes

    def test_same_version_with_other_routes_conflicts(self):
        """One version stands for one set of routes."""
        with pytest.raises(Conflict, match="higher version"):
            RouteMap(4).put(app()).put(app(hosts=("other.test",)))

    def test_late_put_does_not_bring_back_a_removed_app(self):
        """A removed app stays removed for versions up to the one it was removed at."""
        routes = RouteMap(4).put(app(version=5)).remove("a", 6)
        with pytest.raises(Stale):
            routes.put(app(version=6))
        assert "a" in routes.put(app(version=7)).apps

    def test_late_remove_is_stale(self):
        """An app is not removed by a request older than its routes."""
        with pytest.raises(Stale):
            RouteMap(4).put(app(version=5)).remove("a", 4)


class TestHosts:
    def test_host_of_another_app_conflicts(self):
        """A host is held by one app, and the refusal names it."""
        with pytest.raises(Conflict, match=r"held by app a \(a\)"):
            RouteMap(4).put(app("a")).put(app("b"))

    def test_resync_may_move_a_host(self):
        """A resync is judged as a whole, so a host can move from one app to another."""
        routes = RouteMap(4).put(app("a"))
        moved = routes.resync({"a": app("a", 2, ["b.test"]), "b": app("b", 1, ["a.test"])})
        assert moved.apps["b"].hosts == ("a.test",)

    def test_resync_refuses_a_shared_host(self):
        """Two apps of one resync cannot have the same host."""
        with pytest.raises(Conflict):
            RouteMap(4).resync({"a": app("a"), "b": app("b")})


class TestSlots:
    def test_slot_is_kept(self):
        """An app stays in its slot through changes."""
        routes = RouteMap(4).put(app("a")).put(app("b", hosts=["b.test"]))
        changed = routes.put(app("a", 2, ["c.test"])).remove("b")
        assert changed.slots["a"] == routes.slots["a"]

    def test_occupied_slot_is_left_alone(self):
        """A slot whose servers still drain is not given to another app."""
        routes = RouteMap(4).put(app("a"))
        left = routes.remove("a")
        reborn = left.put(app("b"), occupied={routes.slots["a"]})
        assert reborn.slots["b"] != routes.slots["a"]

    def test_slots_double_when_all_are_used(self):
        """When no slot is free, the map has twice as many."""
        routes = RouteMap(2)
        for number in range(5):
            routes = routes.put(app(f"a{number}", hosts=[f"{number}.test"]))
        assert routes.slot_count == 8
        assert len(set(routes.slots.values())) == 5

    def test_resync_does_not_reuse_slots_it_frees(self):
        """Apps that come with a resync get none of the slots of those that go with it."""
        routes = RouteMap(2).put(app("a"))
        replaced = routes.resync({"b": app("b")})
        assert replaced.slots["b"] != routes.slots["a"]


class TestNames:
    def test_name_does_not_move_to_another_address(self):
        """A server's name stands for one address for good."""
        with pytest.raises(Conflict, match="another name"):
            RouteMap(4).put(app()).put(app(version=2, port=6000))

    def test_draining_name_does_not_move_either(self):
        """Also not while HAProxy alone still knows the server."""
        with pytest.raises(Conflict):
            refuse_reused_names(app(), {"web.1-x": Address("10.0.0.9", 1)})


class TestFile:
    def test_map_survives_its_file(self, tmp_path):
        """What was saved is what is loaded: apps, slots and removed versions."""
        routes = RouteMap(4).put(app("a")).put(app("b", hosts=["b.test"])).remove("a", 9)
        routes.save(tmp_path / "map.json")
        assert RouteMap.load(tmp_path / "map.json", 2) == routes

    def test_broken_file_is_set_aside(self, tmp_path):
        """A file that cannot be read is kept beside, and the router starts empty."""
        (tmp_path / "map.json").write_text('{"apps": 7')
        assert RouteMap.load(tmp_path / "map.json", 2) == RouteMap(2)
        assert (tmp_path / "map.broken").exists()
