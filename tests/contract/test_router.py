"""What every router keeps to: the one in memory, and HAProxy behind its agent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from kedge.engine.fakes import FakeRouter
from kedge.engine.protocols import Route, Router, Server
from kedge.errors import Conflict


@pytest.fixture(scope="module")
def haproxy() -> Iterator[Any]:
    """A real router."""
    from router.harness import Router as Harness

    harness = Harness()
    yield harness.start().ready()
    harness.stop()


@pytest.fixture(params=["fake", "haproxy"])
def router(request: pytest.FixtureRequest) -> Router:
    """The router in memory and the real one."""
    if request.param == "fake":
        return FakeRouter()
    from kedge.engine.router import AgentRouter

    harness = request.getfixturevalue("haproxy")
    return AgentRouter(str(harness.dir / "agent.sock"))


def route(app_id: UUID, version: int, *servers: str) -> Route:
    name = f"app-{app_id.hex[:8]}"
    return Route(
        version=version,
        name=name,
        hosts=(f"{name}.test",),
        state=None if servers else "H14",
        servers={server: Server("127.0.0.1", 9) for server in servers},
    )


class TestRouter:
    def test_servers_are_known(self, router: Router):
        """The servers of a route are known once it is put, with nothing in flight."""
        app_id = uuid4()
        router.put(app_id, route(app_id, 1, "web.1-00000001", "web.2-00000002"))

        assert router.in_flight(app_id) == {"web.1-00000001": 0, "web.2-00000002": 0}

    def test_an_older_route_is_refused(self, router: Router):
        """A route with a lower version than the one in force is refused: its sender is late."""
        app_id = uuid4()
        router.put(app_id, route(app_id, 5, "web.1-00000001"))

        with pytest.raises(Conflict):
            router.put(app_id, route(app_id, 4))
        assert "web.1-00000001" in router.in_flight(app_id)

    def test_removed(self, router: Router):
        """A removed app has no servers; removing an unknown one is fine."""
        app_id = uuid4()
        router.put(app_id, route(app_id, 1, "web.1-00000001"))
        router.remove(app_id, 2)
        router.remove(uuid4(), 1)

        assert router.in_flight(app_id) == {}

    def test_routes_in_force(self, router: Router):
        """What is in force is told as it was put; a removed app is not among it."""
        gone, kept = uuid4(), uuid4()
        router.put(gone, route(gone, 1, "web.1-00000001"))
        router.put(kept, route(kept, 1, "web.1-00000002"))
        router.remove(gone, 2)

        assert router.routes()[kept] == route(kept, 1, "web.1-00000002")
        assert gone not in router.routes()

    def test_the_log_has_a_cursor(self, router: Router):
        """Without requests there are no lines, and the cursor can be used again."""
        lines = router.access_lines(0, 0.0)
        again = router.access_lines(lines.next_cursor, 0.0)

        assert again.lines == ()
        assert again.lost == 0
