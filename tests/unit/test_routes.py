"""What `plan/routes.py` tells the router of an app."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kedge.engine.protocols import Server
from kedge.model.dyno import State
from kedge.plan.routes import Frontage, WebDyno, route_of

UP = WebDyno(server_name="web.1-aa", state=State.UP, routed=True, host="10.0.0.2", port=5000)
APP = Frontage(
    name="shop", hosts=("shop.localhost",), version=7, has_code=True, has_web=True,
    is_in_maintenance=False, web_dynos=(UP,),
)  # fmt: skip


def test_a_route_leads_to_the_routed_dynos_that_are_up():
    """Starting, draining and crashed dynos get no requests."""
    others = [
        replace(UP, server_name="web.2-bb", routed=False),
        replace(UP, server_name="web.3-cc", state=State.DRAINING, routed=False),
        replace(UP, server_name="web.4-dd", state=State.CRASHED),
    ]
    route = route_of(replace(APP, web_dynos=(UP, *others)))
    assert route.servers == {"web.1-aa": Server("10.0.0.2", 5000)}
    assert (route.state, route.version, route.hosts) == (None, 7, ("shop.localhost",))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_in_maintenance": True}, "H80"),
        ({"has_code": False, "web_dynos": ()}, "H81"),
        ({"has_web": False, "web_dynos": ()}, "H14"),
        ({"web_dynos": (replace(UP, state=State.CRASHED, routed=False),)}, "H10"),
        ({"web_dynos": (replace(UP, state=State.STARTING, routed=False),)}, "H20"),
    ],
)
def test_an_app_that_cannot_answer_has_heroku_s_code_for_it(changes, code):
    """Maintenance, no code, no web process, crashed and still booting are told apart."""
    assert route_of(replace(APP, **changes)).state == code
