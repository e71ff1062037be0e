"""Releases over the API, and the rule that they are records."""

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kedge.errors import Conflict
from kedge.ops import releases


@pytest.fixture
def deployed(deployer, hello):
    """An app with two live deploys: v3 and v4."""
    return [deployer.deploy(), deployer.deploy(Procfile="web: python app2.py\n")]


def test_a_deploy_is_a_release(api, deployer, hello):
    """A deploy is pending until it is live, and then the current release."""
    build = deployer.build()
    release = api.get(f"/apps/hello/releases/{build['release']['id']}")
    assert (release["version"], release["status"], release["current"]) == (3, "pending", False)
    assert release["description"] == f"Deploy {build['source_blob']['version'][:8]}"
    assert release["slug"] == build["slug"]
    assert release["artifacts"] == [{"type": "slug", "id": build["slug"]["id"]}]
    assert release["user"]["email"] == "owner@localhost"
    assert release["eligible_for_rollback"] is False
    live = deployer.go_live("hello", 3)
    assert (live["status"], live["current"], live["eligible_for_rollback"]) == (
        "succeeded",
        True,
        True,
    )
    assert api.get("/apps/hello")["released_at"]
    assert api.get("/apps/hello/releases/current")["version"] == 3


def test_a_release_is_named_in_three_ways(api, hello):
    """A release is found by number, with or without its v, and by id; others are 404 or 422."""
    release = api.get("/apps/hello/releases/2")
    assert api.get("/apps/hello/releases/v2") == api.get(f"/apps/hello/releases/{release['id']}")
    for unknown in ("3", "0", "999999999", str(uuid.uuid4())):
        api.get(f"/apps/hello/releases/{unknown}", 404)
    for nothing in ("two", "-1", "99999999999999999999", "%00"):
        assert api.answer("GET", f"/apps/hello/releases/{nothing}").status_code in {404, 422}


def test_rollback(api, deployer, deployed):
    """A rollback is a new release with the earlier one's slug and config, just as they were."""
    api.patch("/apps/hello/config-vars", {"A": "1"})
    deployer.go_live("hello", 5)
    made = api.post("/apps/hello/releases", {"release": deployed[0]["id"]})
    assert (made["version"], made["description"]) == (6, "Rollback to v3")
    assert made["slug"] == deployed[0]["slug"]
    assert api.get("/apps/hello/config-vars") == {}
    by_number = api.post("/apps/hello/releases", {"release": 4})
    assert by_number["description"] == "Rollback to v4"


def test_rollbacks_that_may_not_be(api, deployer, deployed):
    """One cannot go back to what failed, has no code, is on its way, or runs already."""
    pending = api.get(f"/apps/hello/releases/{deployer.build()['release']['id']}")
    for version, reason in ((1, "no code"), (4, "runs now"), (pending["version"], "on its way")):
        identity = api.get(f"/apps/hello/releases/{version}")["id"]
        refused = api.post("/apps/hello/releases", {"release": identity}, 422)
        assert reason in refused["message"]
    deployer.fail("hello", pending["version"])
    assert "failed" in api.post("/apps/hello/releases", {"release": pending["id"]}, 422)["message"]
    api.post("/apps/hello/releases", {"release": str(uuid.uuid4())}, 404)
    for body in ({}, {"release": None}, {"slug": "no-id"}, {"slug": str(uuid.uuid4())}):
        assert api.post("/apps/hello/releases", body, 422)["message"]


def test_a_slug_is_released_again(api, deployed):
    """A release is made out of a slug the app has, with the description that was sent."""
    slug = deployed[0]["slug"]["id"]
    made = api.post("/apps/hello/releases", {"slug": slug, "description": "Retry of v3: Deploy"})
    assert (made["slug"]["id"], made["description"]) == (slug, "Retry of v3: Deploy")
    plain = api.post("/apps/hello/releases", {"slug": slug})
    assert plain["description"].startswith("Deploy ")


def test_a_slug_of_another_app_is_refused(api, deployed):
    """An app cannot be given another app's slug."""
    api.post("/apps", {"name": "other"})
    refused = api.post("/apps/other/releases", {"slug": deployed[0]["slug"]["id"]}, 422)
    assert refused["resource"] == "slug"


def _states(api):
    """Status, slug and number of each release that has code, oldest first."""
    rows = [row for row in api.get("/apps/hello/releases") if row["slug"]]
    return [(row["version"], row["status"], row["slug"]["id"]) for row in rows]


def _build(deployer, number):
    """The slug of a build that has become a release on its way out."""
    return deployer.build(Procfile=f"web: python app{number}.py\n")["slug"]["id"]


def test_config_changes_survive_the_failed_deploy_they_were_made_on(api, deployer, deployed):
    """All of them are made again as one release, with the code that runs."""
    live = deployed[-1]["slug"]["id"]
    failing = _build(deployer, 5)
    api.patch("/apps/hello/config-vars", {"A": "1"})
    api.patch("/apps/hello/config-vars", {"B": "2"})
    deployer.fail("hello", 5)
    assert _states(api)[2:] == [
        (5, "failed", failing), (6, "expired", failing), (7, "expired", failing),
        (8, "pending", live),
    ]  # fmt: skip
    assert api.get("/apps/hello/config-vars") == {"A": "1", "B": "2"}


def test_a_failed_deploy_undoes_nothing_of_a_later_one(api, deployer, deployed):
    """Config that was set on top of a later deploy stays, whatever an earlier deploy comes to."""
    failing = _build(deployer, 5)
    api.patch("/apps/hello/config-vars", {"A": "1"})
    later = _build(deployer, 7)
    api.patch("/apps/hello/config-vars", {"B": "2"})
    deployer.fail("hello", 5)
    assert _states(api)[2:] == [
        (5, "failed", failing), (6, "pending", failing), (7, "pending", later),
        (8, "pending", later),
    ]  # fmt: skip
    assert api.get("/apps/hello/config-vars") == {"A": "1", "B": "2"}


def test_a_failed_deploy_undoes_no_rollback(api, deployer, deployed):
    """A rollback made while a deploy was on its way out keeps its own config."""
    _build(deployer, 5)
    api.patch("/apps/hello/config-vars", {"A": "1"})
    api.post("/apps/hello/releases", {"release": 3})
    deployer.fail("hello", 5)
    assert _states(api)[-1] == (7, "pending", deployed[0]["slug"]["id"])
    assert api.get("/apps/hello/config-vars") == {}


def test_code_that_never_ran_leaves_with_the_config_change_it_failed_in(api, deployer, deployed):
    """A config change that carried an unproven deploy fails: the next one is made without it."""
    live = deployed[-1]["slug"]["id"]
    failing = _build(deployer, 5)
    api.patch("/apps/hello/config-vars", {"A": "1"})
    deployer.expire("hello", 5)
    api.patch("/apps/hello/config-vars", {"B": "2"})
    deployer.fail("hello", 6)
    assert _states(api)[3:] == [
        (6, "failed", failing), (7, "expired", failing), (8, "pending", live),
    ]  # fmt: skip
    assert api.get("/apps/hello/config-vars") == {"A": "1", "B": "2"}


def test_a_config_change_that_fails_alone_takes_no_other_with_it(api, deployer, deployed):
    """With the code that runs there is nothing to take back: what follows has its own try."""
    api.patch("/apps/hello/config-vars", {"A": "1"})
    api.patch("/apps/hello/config-vars", {"A": "2"})
    deployer.fail("hello", 5)
    assert [row[:2] for row in _states(api)[2:]] == [(5, "failed"), (6, "pending")]


def test_code_that_is_asked_for_again_is_tried_again(api, deployer, deployed):
    """A second deploy of the slug that failed has its own try, and config changes follow it."""
    failing = _build(deployer, 5)
    api.post("/apps/hello/releases", {"slug": failing})
    api.patch("/apps/hello/config-vars", {"A": "1"})
    deployer.fail("hello", 5)
    assert [row[:2] for row in _states(api)[2:]] == [
        (5, "failed"), (6, "pending"), (7, "pending"),
    ]  # fmt: skip


def test_slugs(api, deployed):
    """An app's slugs are listed and shown: commit, process types and size."""
    rows = api.get("/apps/hello/slugs")
    assert [row["id"] for row in rows] == [release["slug"]["id"] for release in deployed]
    slug = api.get(f"/apps/hello/slugs/{rows[0]['id']}")
    assert slug["process_types"] == {"web": "python app.py", "worker": "python worker.py"}
    assert slug["size"] > 0
    assert slug["checksum"] is None, "it was built, and no archive of it is kept"
    for unknown in (str(uuid.uuid4()), "x"):
        api.get(f"/apps/hello/slugs/{unknown}", 404)


def test_pages_of_releases(api, hello):
    """The newest come first when asked so, in all the spellings clients use."""
    for number in range(5):
        api.patch("/apps/hello/config-vars", {"A": str(number)})
    for span, expected in (
        ("version ..; max=3, order=desc", [7, 6, 5]),
        ("version ..; order=desc,max=1", [7]),
        ("version ..; order=desc", [7, 6, 5, 4, 3, 2, 1]),
        ("seq ..; order=desc,max=1000", [7, 6, 5, 4, 3, 2, 1]),
        ("version ]5..", [6, 7]),
        ("version 2..3", [2, 3]),
        ("", [1, 2, 3, 4, 5, 6, 7]),
    ):
        answer = api.answer("GET", "/apps/hello/releases", headers={"Range": span})
        assert [row["version"] for row in answer.json] == expected, span
    pages = api.pages("/apps/hello/releases", "version ..; max=3, order=desc")
    assert [[row["version"] for row in page] for page in pages] == [[7, 6, 5], [4, 3, 2], [1]]


def test_headers_of_a_page(api, hello):
    """A page says what it holds, how one may order, and where the next one begins."""
    first = api.answer("GET", "/apps/hello/releases", headers={"Range": "version ..; max=1"})
    assert first.status_code == 206
    assert first.headers["Content-Range"] == "version 1..1"
    assert first.headers["Next-Range"] == "version ]1..; max=1"
    assert "version" in first.headers["Accept-Ranges"]


@pytest.mark.parametrize(
    "span",
    [
        "version x..",
        "nonsense ..",
        "a b c",
        "stack a..b",
        "version 1..2; max=two",
        "; up=1",
        "version 99999999999999999999999..",
        "version ..; order=sideways",
        "created_at 1..2",
    ],
)
def test_ranges_that_may_not_be(api, hello, span):
    """A range nobody can follow is 416 in words, or the whole list where it bounds nothing."""
    answer = api.answer("GET", "/apps/hello/releases", headers={"Range": span})
    assert answer.status_code == (200 if span == "nonsense .." else 416), span


@pytest.mark.parametrize(
    "statement",
    [
        "delete from releases where version = 1",
        "update releases set description = 'x' where version = 1",
        "update releases set version = 9 where version = 2",
        "update releases set slug_id = null, process_types = '{}' where version = 3",
        "update releases set created_at = now() where version = 1",
        "update releases set digest = repeat('0', 64) where version = 2",
        "update releases set status = 'failed' where version = 1",
    ],
)
def test_a_release_is_a_record(services, deployer, hello, statement):
    """The database itself refuses to change or delete a release while its app lives."""
    deployer.deploy()
    with pytest.raises(DBAPIError, match=r"release v\d"), services.database.transaction() as tx:
        tx.execute(text(statement))


def test_releases_go_with_their_app(api, services, deployed):
    """An app that is on its way out can be erased, with its releases."""
    from kedge.model.app import App
    from kedge.ops import apps

    app = api.delete("/apps/hello")
    with services.database.transaction() as tx:
        apps.erase(tx, tx.get_one(App, uuid.UUID(app["id"])))
        assert tx.scalar(text("select count(*) from releases")) == 0
    api.post("/apps", {"name": "hello"})


def test_a_rollback_of_what_was_not_seen_is_refused(services, owner, api, hello, deployer):
    """Who looked at what would change is told when that is no longer what would."""
    deployer.deploy()
    deployer.deploy(Procfile="web: python other.py\n")
    api.patch("/apps/hello/config-vars", {"A": "1"})
    with pytest.raises(Conflict, match="made release v5"):
        releases.rollback(services, owner.actor, "hello", "v3", seen=4)
    assert releases.rollback(services, owner.actor, "hello", "v3", seen=5).version == 6
