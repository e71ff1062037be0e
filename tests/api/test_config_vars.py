"""Config vars over the API."""

import pytest
from sqlalchemy import select

from kedge.errors import Conflict, NotFound
from kedge.model.event import Event
from kedge.ops import config_vars


def test_one_change_makes_one_release(api, hello):
    """A PATCH answers with all config vars and makes one release in Heroku's words."""
    assert api.get("/apps/hello/config-vars") == {}
    assert api.patch("/apps/hello/config-vars", {"B": "2", "A": "1"}) == {"A": "1", "B": "2"}
    after = api.patch("/apps/hello/config-vars", {"A": None, "C": "3"})
    assert after == {"B": "2", "C": "3"}
    words = [row["description"] for row in api.get("/apps/hello/releases")][2:]
    assert words == ["Set A, B config vars", "Set C config vars and Remove A config vars"]


def test_nothing_changed_makes_no_release(api, hello):
    """A PATCH that changes nothing makes no release."""
    api.patch("/apps/hello/config-vars", {"A": "1"})
    for same in ({"A": "1"}, {}, {"B": None}):
        assert api.patch("/apps/hello/config-vars", same) == {"A": "1"}
    assert len(api.get("/apps/hello/releases")) == 3


def test_a_release_keeps_its_config(api, hello):
    """A release holds the config vars as they were when it was made."""
    api.patch("/apps/hello/config-vars", {"A": "old"})
    api.patch("/apps/hello/config-vars", {"A": "new"})
    assert api.get("/apps/hello/releases/3/config-vars") == {"A": "old"}
    assert api.get("/apps/hello/releases/v4/config-vars") == {"A": "new"}
    api.get("/apps/hello/releases/99/config-vars", 404)


def test_values_are_not_kept_in_the_clear(api, services, hello):
    """No table holds a config var's value as it was sent, and no log line does."""
    from sqlalchemy import text

    api.patch("/apps/hello/config-vars", {"TOKEN": "sesame-open-up"})
    with services.database.transaction() as tx:
        for table in ("config_snapshots", "releases", "events", "apps"):
            rows = tx.execute(text(f"select to_jsonb(t)::text from {table} t")).scalars()
            assert not any("sesame" in row for row in rows), table


@pytest.mark.parametrize(
    "value", ["", " ", "a\nb", "ü€😀", "'\"\\$(x)", "x" * 60_000, 7, 1.5, True]
)
def test_values_that_may_be(api, hello, value):
    """Any text may be a value, and comes back as it was sent; numbers and truths become text."""
    kept = api.patch("/apps/hello/config-vars", {"A": value})["A"]
    assert kept == (value if isinstance(value, str) else {7: "7", 1.5: "1.5", True: "true"}[value])


@pytest.mark.parametrize("key", ["1A", "A-B", "A B", "", "A" * 257, "ä", "A=B", "A\nB"])
def test_keys_that_may_not_be(api, hello, key):
    """A key that no environment can hold is refused in words, and nothing is changed."""
    refused = api.patch("/apps/hello/config-vars", {"GOOD": "1", key: "x"}, 422)
    assert "Config var names" in refused["message"]
    assert api.get("/apps/hello/config-vars") == {}


@pytest.mark.parametrize("value", ["a\0b", "\ud800", ["a"], {"a": "b"}, "x" * 70_000], ids=range(5))
def test_values_that_may_not_be(api, hello, value):
    """NUL, lone surrogates, lists, objects and more than 64 KB are refused in words."""
    refused = api.patch("/apps/hello/config-vars", {"A": value}, 422)
    assert refused["id"] == "invalid_params"
    assert api.get("/apps/hello/config-vars") == {}


def test_the_longest_key(api, hello):
    """A key may have 256 characters."""
    assert api.patch("/apps/hello/config-vars", {"A" * 256: "1"}) == {"A" * 256: "1"}


def test_all_together_are_bounded(api, hello):
    """All config vars together may take 64 KB, counted in bytes."""
    api.patch("/apps/hello/config-vars", {"A": "x" * 40_000})
    refused = api.patch("/apps/hello/config-vars", {"B": "é" * 20_000}, 422)
    assert "64 KB" in refused["message"]


def test_the_platform_s_own_variables_win(api, hello):
    """PORT and DYNO may be set, and the answer warns that dynos get the platform's."""
    answer = api.answer("PATCH", "/apps/hello/config-vars", {"PORT": "1", "DYNO": "x", "A": "1"})
    assert answer.status_code == 200
    assert answer.headers["X-Heroku-Warning"].startswith("DYNO, PORT:")
    quiet = api.answer("PATCH", "/apps/hello/config-vars", {"PORT": None, "B": "1"})
    assert "X-Heroku-Warning" not in quiet.headers


def test_a_change_made_from_an_older_release_overwrites_nobody_s(services, owner, api, hello):
    """What others changed meanwhile is refused by name; what they left alone goes through."""
    api.patch("/apps/hello/config-vars", {"A": "1", "B": "1"})
    seen = config_vars.keys(services, owner.actor, "hello")
    assert seen.names == ("A", "B")
    api.patch("/apps/hello/config-vars", {"A": "2"})

    with pytest.raises(Conflict, match="has changed A since"):
        config_vars.update(
            services, owner.actor, "hello", {"A": "3", "B": None}, made_from=seen.version
        )
    after, _ = config_vars.update(
        services, owner.actor, "hello", {"B": None, "C": "new"}, made_from=seen.version
    )
    assert after == {"A": "2", "C": "new"}


def test_a_value_somebody_looked_at_is_noted(services, owner, api, hello):
    """The audit log says who read which config var, and not what it holds."""
    api.patch("/apps/hello/config-vars", {"KEY": "hunter2"})
    assert config_vars.reveal(services, owner.actor, "hello", "KEY") == "hunter2"
    with services.database.transaction() as tx:
        (event,) = tx.scalars(select(Event).where(Event.action == "config.reveal"))
    assert (event.actor, event.details) == (owner.actor.email, {"keys": ["KEY"]})
    with pytest.raises(NotFound):
        config_vars.reveal(services, owner.actor, "hello", "OTHER")
