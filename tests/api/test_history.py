"""What the record of releases tells over the API."""

import uuid

import pytest
from sqlalchemy import text

DIFF = "/kedge/apps/hello/releases/diff"
VERIFY = "/kedge/apps/hello/releases/verify"


@pytest.fixture
def changed(api, deployer, hello):
    """An app with v3 deployed, v4 with config, v5 deployed with other processes and sizes."""
    deployer.deploy(Procfile="web: old\ngone: x\n")
    api.patch("/apps/hello/config-vars", {"KEPT": "1", "CHANGED": "sesame-1"})
    deployer.go_live("hello", 4)
    api.patch("/apps/hello/formation/web", {"quantity": 3, "size": "standard-2x"})
    deployer.deploy(Procfile="web: new\nworker: x\n")
    api.patch("/apps/hello/config-vars", {"CHANGED": "sesame-2", "ADDED": "sesame-3"})
    api.patch("/apps/hello/config-vars", {"CHANGED": "sesame-2", "KEPT": None})


def test_what_differs(api, changed):
    """A difference names code, config keys without values, process types, formation and stack."""
    diff = api.get(f"{DIFF}?from=4&to=v7")
    assert (diff["from"], diff["to"]) == (4, 7)
    assert diff["code"]["same"] is False
    assert diff["code"]["from"] != diff["code"]["to"]
    assert diff["config"] == [
        {"key": "ADDED", "change": "added"},
        {"key": "CHANGED", "change": "changed"},
        {"key": "KEPT", "change": "removed"},
    ]
    assert diff["process_types"] == [
        {"type": "gone", "from": "x", "to": None},
        {"type": "web", "from": "old", "to": "new"},
        {"type": "worker", "from": None, "to": "x"},
    ]
    assert {"type": "web", "from": "1 x Standard-1X", "to": "3 x Standard-2X"} in diff["formation"]
    assert diff["stack"] == {"from": "kedge-13", "to": "kedge-13"}
    assert "sesame" not in str(diff)


def test_nothing_differs(api, changed):
    """A release does not differ from itself."""
    diff = api.get(f"{DIFF}?from=7&to=7")
    assert diff["code"]["same"] is True
    assert diff["config"] == diff["process_types"] == diff["formation"] == []


def test_what_is_left_out(api, changed):
    """Without numbers it is what the newest release changed; without code there is none to name."""
    assert (api.get(DIFF)["from"], api.get(DIFF)["to"]) == (6, 7)
    assert api.get(f"{DIFF}?to=2")["code"] == {"from": None, "to": None, "same": True}
    api.get(f"{DIFF}?from=1&to=99", 404)
    assert api.get(f"{DIFF}?from=x", 422)["message"]
    api.get("/kedge/apps/nothing/releases/diff", 404)


def test_two_builds_of_one_commit(api, deployer, services, hello):
    """Where two slugs are of one commit, the difference names the slugs."""
    first, second = deployer.deploy(Procfile="web: a\n"), deployer.deploy(Procfile="web: b\n")
    with services.database.transaction() as tx:
        tx.execute(text("update slugs set commit = 'abcdef1234'"))
    code = api.get(f"{DIFF}?from={first['version']}&to={second['version']}")["code"]
    assert code["from"].startswith("abcdef12 (slug ")
    assert code["from"] != code["to"]


def test_an_untouched_record(api, changed):
    """The releases of an app that nobody touched are verified."""
    assert api.get(VERIFY) == {
        "verified": True,
        "releases": 7,
        "broken_at": None,
        "reason": None,
    }


TAMPERINGS = {
    "update releases set description = 'x' where version = 3": (3, "what it holds"),
    "update releases set process_types = '{}' where version = 5": (5, "what it holds"),
    "update releases set created_at = created_at + interval '1s' where version = 2": (2, "what"),
    "update releases set slug_id = (select slug_id from releases where version = 3) "
    "where version = 6": (6, "what it holds"),
    "update releases set config_id = (select config_id from releases where version = 7) "
    "where version = 4": (4, "what it holds"),
    "update slugs set digest = repeat('0', 64) "
    "where id = (select slug_id from releases where version = 5)": (5, "what it holds"),
    "delete from releases where version = 4": (4, "missing"),
    "delete from releases where version = 1": (1, "missing"),
    "delete from releases where version = 7": (7, "missing"),
    "update config_snapshots set sealed = (select sealed from config_snapshots s join releases r "
    "on r.config_id = s.id where r.version = 7) "
    "where id = (select config_id from releases where version = 4)": (4, "config vars"),
    "update config_snapshots set sealed = '\\x00' "
    "where id = (select config_id from releases where version = 6)": (6, "config vars"),
}


@pytest.mark.parametrize("statement", TAMPERINGS, ids=range(len(TAMPERINGS)))
def test_a_record_somebody_altered(api, services, changed, statement):
    """Whatever is altered or taken out, past the database's own guard, is found where it was."""
    with services.database.transaction() as tx:
        tx.execute(text("set local session_replication_role = replica"))  # no triggers
        assert tx.execute(text(statement)).rowcount == 1
    found = api.get(VERIFY)
    version, reason = TAMPERINGS[statement]
    assert (found["verified"], found["broken_at"]) == (False, version)
    assert reason in found["reason"]


def test_a_record_sealed_anew_breaks_the_chain(api, services, changed):
    """Even a release that is altered and sealed again does not fit what came after it."""
    from kedge.model.release import Release

    with services.database.transaction() as tx:
        tx.execute(text("set local session_replication_role = replica"))  # no triggers
        release = tx.query(Release).filter(Release.version == 3).one()
        release.description = "Deploy of something else"
        release.digest = release.seal(
            slug_digest=release.slug.digest, config_digest=release.config.digest
        )
    assert api.get(VERIFY)["broken_at"] == 4


def test_an_unknown_app(api):
    """Of an app that is not there nothing is told."""
    api.get(f"/kedge/apps/{uuid.uuid4()}/releases/verify", 404)
