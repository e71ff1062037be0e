"""Access and users, as the command line asks for them."""

from __future__ import annotations

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform

WHO = {
    "user": {"email": "bob@example.com"},
    "role": "collaborator",
    "permissions": [{"name": "view"}, {"name": "deploy"}],
}


def test_it_is_listed(platform: FakePlatform, kedge: Kedge):
    """`kedge access` names who, their role and what they may do."""
    platform.answers["GET", "/apps/shop/collaborators"] = [WHO]

    assert kedge("access", "-a", "shop").out.split() == [
        "who", "role", "permissions", "bob@example.com", "collaborator", "view,", "deploy",
    ]  # fmt: skip


def test_permissions_are_split(platform: FakePlatform, kedge: Kedge):
    """`-p view,deploy` is a list of two; without it the platform chooses."""
    post = ("POST", "/apps/shop/collaborators")
    platform.answers[post] = WHO
    kedge("access:add", "bob@example.com", "-p", "view, deploy", "-a", "shop")
    kedge("access:add", "bob@example.com", "-a", "shop")

    assert [asked.json for asked in platform.of(*post)] == [
        {"user": "bob@example.com", "permissions": ["view", "deploy"]},
        {"user": "bob@example.com"},
    ]


def test_the_dashboards_link_is_alone_on_stdout(platform: FakePlatform, kedge: Kedge):
    """`kedge dashboard` prints the link, so that it can be opened elsewhere."""
    platform.answers["POST", "/kedge/sign-in-links"] = {"url": "http://localhost/dashboard/x"}

    assert kedge("dashboard").out == "http://localhost/dashboard/x\n"


def test_an_invitations_link_is_alone_on_stdout(platform: FakePlatform, kedge: Kedge):
    """What is to be sent can be piped on."""
    made = {"email": "eve@example.com", "url": "http://localhost/dashboard/invitation/x"}
    platform.answers["POST", "/kedge/invitations"] = made

    assert kedge("users:invite", "eve@example.com").out == f"{made['url']}\n"
