from __future__ import annotations

import json

import pytest

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform
from kedge.cli.scale import scale_change, size_changes

FORMATION = ("PATCH", "/apps/shop/formation")


def test_ps_groups_by_type(platform: FakePlatform, kedge: Kedge):
    """`kedge ps` groups dynos by process type, in order of number, with command and size."""
    lines = kedge("ps", "-a", "shop").out.splitlines()
    assert lines[0] == "web (2 dynos, Standard-1X): python app.py"
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["web.2", "starting", "v8"], ["web.10", "up", "v7"],
    ]  # fmt: skip
    assert "  none wanted" in lines
    assert lines[-2] == "run (one-off)"
    assert lines[-1].split()[0] == "run.4821"
    assert lines[-1].endswith("python manage.py shell")


def test_ps_as_json(platform: FakePlatform, kedge: Kedge):
    """`ps --json` is the API's list of dynos."""
    assert {row["name"] for row in json.loads(kedge("ps", "--json", "-a", "shop").out)} >= {"web.2"}


@pytest.mark.parametrize(
    ("text", "update"),
    [
        ("web=2", {"type": "web", "quantity": 2}),
        ("web+1", {"type": "web", "quantity": "+1"}),
        ("my-worker-1", {"type": "my-worker", "quantity": "-1"}),
        ("web=3:standard-2x", {"type": "web", "quantity": 3, "size": "standard-2x"}),
    ],
)
def test_scale_changes(text: str, update: dict):
    """A change of scale is a type, a number or a step, and maybe a size."""
    assert scale_change(text) == update


def test_size_changes():
    """A size alone is for every type, TYPE=SIZE for one."""
    rows = [{"type": "web"}, {"type": "worker"}]
    assert [u["type"] for u in size_changes(("basic",), rows)] == ["web", "worker"]
    assert size_changes(("web=standard-2x",), rows) == [{"type": "web", "size": "standard-2x"}]


def test_scale_sends_and_waits(platform: FakePlatform, kedge: Kedge):
    """`ps:scale` sends all changes at once, then waits until the dynos are there."""
    platform.answers[FORMATION] = [{"type": "web", "quantity": 3, "size": "Standard-1X"}]
    done = kedge("ps:scale", "web=3", "worker-1", "-a", "shop")
    assert done.status == 0, done.err
    assert platform.of(*FORMATION)[0].json == {
        "updates": [{"type": "web", "quantity": 3}, {"type": "worker", "quantity": "-1"}]
    }
    assert "1 dyno up" in done.err


def test_scale_shows(platform: FakePlatform, kedge: Kedge):
    """Without changes `ps:scale` shows the formation in the form it takes."""
    assert kedge("scale", "-a", "shop").out == (
        "web=2:Standard-1X worker=1:Standard-1X clock=0:Standard-1X\n"
    )


def test_scale_refuses_nonsense(platform: FakePlatform, kedge: Kedge):
    """What is no change is wrong usage."""
    assert kedge("ps:scale", "web=many", "-a", "shop").status == 2
    assert kedge("ps:type", "web=", "-a", "shop").status == 2


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ([], "/apps/shop/dynos"),
        (["web"], "/apps/shop/formations/web"),
        (["web.1"], "/apps/shop/dynos/web.1"),
    ],
)
def test_restart_of_all_a_type_and_one(
    platform: FakePlatform, kedge: Kedge, word: list[str], path: str
):
    """`ps:restart` restarts all dynos, those of a type, or one."""
    platform.answers["DELETE", path] = {}
    assert kedge("ps:restart", *word, "-a", "shop").status == 0
    assert platform.of("DELETE", path)


def test_stop(platform: FakePlatform, kedge: Kedge):
    """`ps:stop` stops one dyno by its name."""
    platform.answers["POST", "/apps/shop/dynos/run.4821/actions/stop"] = {}
    assert kedge("ps:stop", "run.4821", "-a", "shop").status == 0
