"""Nothing that changes what runs costs a visitor a request."""

from __future__ import annotations

import pytest

from system.load import VISITED, Load

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_no_change_of_what_runs_costs_a_request(platform, new_app):
    """Deploys, config changes, rollbacks, restarts and scalings under load: 0 failed requests.

    Kept-alive and fresh connections, trickled uploads, ten-second answers, websockets.
    """
    app = new_app(VISITED)
    app.push()
    app.kedge("ps:scale", "web=2")
    with Load(platform.http_port, f"{app.name}.localhost") as load:
        for number in range(2):
            app.commit({"VERSION": f"code{number}"})
            app.push()
            app.kedge("config:set", f"GREETING=config{number}")
        app.kedge("rollback", "--yes")
        app.kedge("ps:restart")
        app.kedge("ps:scale", "web=3")
        app.kedge("ps:restart", "web.1")
        app.kedge("ps:scale", "web=2")
        report = load.stop()
    assert report.failures == []
    assert {"code0 - v4", "code1 config1 v7"} <= set(report.bodies), "they saw the changes"
    assert report.total > 1000
    assert set(report.requests) == {"kept", "fresh", "upload", "stream", "websocket"}
