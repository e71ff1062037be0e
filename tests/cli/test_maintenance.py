from __future__ import annotations

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform

PATCH = ("PATCH", "/apps/shop")


def test_it_is_shown(platform: FakePlatform, kedge: Kedge):
    """`kedge maintenance` says on or off, alone on standard output."""
    assert kedge("maintenance", "-a", "shop").out == "off\n"


def test_it_is_turned_on_and_off(platform: FakePlatform, kedge: Kedge):
    """The two commands say what they did; the API is asked for exactly that."""
    platform.answers[PATCH] = {"maintenance": True}
    assert "is on" in kedge("maintenance:on", "-a", "shop").err
    assert [asked.json for asked in platform.of(*PATCH)] == [{"maintenance": True}]
    assert "is off" in kedge("maintenance:off", "-a", "shop").err
    assert platform.of(*PATCH)[-1].json == {"maintenance": False}
