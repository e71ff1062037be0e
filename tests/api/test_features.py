"""Features of apps over the API, as `heroku features` and `heroku labs` ask for them."""

import uuid

import pytest


def test_every_app_has_what_heroku_switches_on(api, hello):
    """They are listed as enabled, found by name and id, and may be switched on once more."""
    rows = api.get("/apps/hello/features")
    assert [row["name"] for row in rows] == ["preboot", "runtime-dyno-metadata"]
    for row in rows:
        assert row["enabled"] is True
        assert api.get(f"/apps/hello/features/{row['name']}") == row
        assert api.get(f"/apps/hello/features/{row['id']}") == row
        assert api.patch(f"/apps/hello/features/{row['name']}", {"enabled": True}) == row


def test_none_can_be_switched_off(api, hello):
    """The words say that every app has it."""
    refused = api.patch("/apps/hello/features/preboot", {"enabled": False}, 422)
    assert "preboot cannot be switched off" in refused["message"]
    for wrong in ({}, {"enabled": "perhaps"}, {"enabled": 7}):
        api.patch("/apps/hello/features/preboot", wrong, 422)


@pytest.mark.parametrize("place", ["/apps/hello", "/account"])
def test_unknown_ones_are_not_found(api, hello, place):
    """An account has none at all, which makes Heroku's CLI ask the app."""
    for name in ("http-session-affinity", str(uuid.uuid4()), "x" * 300):
        assert api.get(f"{place}/features/{name}", 404)["resource"] == "feature"
        assert api.patch(f"{place}/features/{name}", {"enabled": True}, 404)["id"] == "not_found"
    api.get("/account/features/preboot", 404)
    api.get("/apps/other/features/preboot", 404)


def test_ssh_keys_are_refused_in_words(api):
    """There is no SSH; whoever adds a key reads how to push instead."""
    key = {"public_key": "ssh-ed25519 AAAA me@here"}
    assert "push" in api.post("/account/keys", key, 422)["message"]
