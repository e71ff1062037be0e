"""What `plan/why.py` tells of an app that does not answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kedge.loops.evidence import explain_ports
from kedge.model.dyno import State
from kedge.plan.why import Case, SeenDyno, explain, summarise

WELL = Case(
    app="shop", has_code=True, has_web=True, web_quantity=1, is_in_maintenance=False,
    dynos=(SeenDyno("web.1", State.UP, None),),
)  # fmt: skip


def test_an_app_that_is_well_has_no_findings():
    """Nothing is made up when all is as it should be."""
    assert explain(WELL) == []
    assert "1 of 1 dynos run" in summarise(WELL, [])


def test_a_failed_release_comes_first_with_its_evidence():
    """Exit status, ports, probes and last lines are shown, and what to do."""
    failure = {
        "code": "R10", "reason": "It bound port 3000 instead.", "dyno": "web.1",
        "command": "serve", "exit_status": None, "ports_bound": [3000], "port": 5000,
        "probes": ["refused"], "last_lines": ["listening on 3000"],
    }  # fmt: skip
    found = explain(replace(WELL, failed_release=(7, failure)))[0]
    assert found.title == "Release v7 failed: It bound port 3000 instead."
    assert found.evidence == (
        "dyno: web.1, command: serve",
        "ports bound: 3000 (wanted: 5000)",
        "probe: refused",
        "output: listening on 3000",
    )
    assert "$PORT" in found.next_step


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_in_maintenance": True}, "H80"),
        ({"has_code": False}, "H81"),
        ({"has_web": False}, "H14"),
        ({"web_quantity": 0}, "scaled to 0"),
        ({"failed_build": ("b1", "no luck")}, "build failed"),
        ({"router_codes": {"H12": 3}}, "router could not answer"),
        ({"dynos": (SeenDyno("web.1", State.CRASHED, {"reason": "boom"}),)}, "boom"),
    ],
)
def test_each_cause_is_found(changes, words):
    """Whatever keeps an app from answering is named."""
    assert words in explain(replace(WELL, **changes))[0].title


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ([], "no port at all"),
        ([3000], "port 3000 instead of $PORT (5000)"),
        ([-5000], "127.0.0.1 only"),
        ([5000], "did not answer below 500"),
    ],
)
def test_the_port_a_process_bound_is_told(ports, words):
    """None, another, loopback only, or the right one without an answer: each in its words."""
    assert words in explain_ports(ports, 5000)
