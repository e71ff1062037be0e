"""Tokens, as the command line asks for them."""

from __future__ import annotations

import json

from cli.conftest import Kedge
from cli.fake_platform import FakePlatform

MADE = {
    "id": "0a1b", "description": "ci", "scope": ["read", "write"],
    "access_token": {"token": "KDG-secret", "expires_in": 3600},
    "updated_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def test_they_are_listed(platform: FakePlatform, kedge: Kedge):
    """What each is for, what it may be used for and for how long."""
    platform.answers["GET", "/oauth/authorizations"] = [MADE]

    assert "ci 0a1b read, write in 60 minutes" in " ".join(kedge("authorizations").out.split())


def test_one_is_made(platform: FakePlatform, kedge: Kedge):
    """With --short the token is alone on stdout, so that a script can keep it."""
    post = ("POST", "/oauth/authorizations")
    platform.answers[post] = MADE
    made = kedge("authorizations:create", "-d", "ci", "-s", "read, write", "-e", "3600", "-S")
    assert made.out == "KDG-secret\n"
    kedge("authorizations:create")

    assert [asked.json for asked in platform.of(*post)] == [
        {"description": "ci", "scope": ["read", "write"], "expires_in": 3600},
        {"description": None, "scope": ["global"], "expires_in": None},
    ]


def test_one_is_shown_changed_and_revoked(platform: FakePlatform, kedge: Kedge):
    """By its id, in Heroku's words for it."""
    path = "/oauth/authorizations/0a1b"
    for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""),
                         ("POST", "/actions/regenerate-tokens")):  # fmt: skip
        platform.answers[method, path + more] = MADE
    assert "KDG-secret" in kedge("authorizations:info", "0a1b").out
    kedge("authorizations:update", "0a1b", "-d", "other")
    assert json.loads(kedge("authorizations:rotate", "0a1b", "--json").out) == MADE
    assert "ci is worthless" in kedge("authorizations:revoke", "0a1b").err

    assert platform.of("PATCH", path)[0].json == {"description": "other"}
