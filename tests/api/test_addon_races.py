"""Several people and a provider at the same add-on at once: each is told, nothing is lost."""

from __future__ import annotations

import threading
import uuid

import pytest

from kedge.errors import KedgeError
from kedge.ops import addon_states, addons, apps, attachments, config_vars, releases
from providers.third_party import ThirdParty


@pytest.fixture
def fast_db(api):
    """The service `fast-db`, and its provider."""
    with ThirdParty() as provider:
        api.post("/kedge/addon-services", provider.manifest())
        yield provider


@pytest.fixture
def shop(api, fast_db, hello):
    """An add-on of `hello` and two more apps."""
    for name in ("billing", "office"):
        api.post("/apps", {"name": name})
    return api.post("/apps/hello/addons", {"plan": "fast-db"})


def together(*calls, rounds=1):
    """Do all of it at once; what was refused, in words. Anything else fails the test."""
    refused, broken = [], []
    start = threading.Barrier(len(calls) * rounds)

    def run(call):
        start.wait(10)
        try:
            call()
        except KedgeError as error:
            refused.append(error)
        except BaseException as error:  # noqa: BLE001 - told to the test
            broken.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls * rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert broken == []
    return refused


def consistent(api, services, owner, app):
    """The app's config is its own config vars and those of its attachments, and no other."""
    newest = api.get(f"/apps/{app}/releases/{len(api.get(f'/apps/{app}/releases'))}")
    with services.database.transaction() as tx:
        row = releases.newest(tx, apps.find(services, owner.actor, app))
        held = {key for each in row.addons for key in each["config_vars"]}
        named = {each["attachment"] for each in row.addons}
    assert newest["version"] == row.version
    attached = api.get(f"/apps/{app}/addon-attachments")
    assert {each["name"] for each in attached} == named
    keys = set(api.get(f"/apps/{app}/config-vars"))
    assert held == {key for each in attached for key in each["config_vars"]}
    assert held <= keys
    return keys - held


def test_two_people_attach_the_same(api, services, owner, shop):
    """Each gets an attachment of its own, or a word; the app's config fits them."""
    together(
        lambda: attachments.attach(services, owner.actor, shop["name"], "billing", "DB"), rounds=4
    )
    listed = api.get("/apps/billing/addon-attachments")
    assert [each["name"] for each in listed] == ["DB"]
    assert consistent(api, services, owner, "billing") == set()


@pytest.mark.parametrize("number", range(4))
def test_attached_while_it_is_destroyed(api, services, owner, shop, number):
    """Either the attachment was first and is taken away again, or it comes too late."""
    together(
        lambda: attachments.attach(services, owner.actor, shop["name"], "billing"),
        lambda: addons.destroy(services, owner.actor, shop["name"], force=True),
        lambda: attachments.attach(services, owner.actor, shop["name"], "office"),
    )
    for app in ("hello", "billing", "office"):
        assert consistent(api, services, owner, app) == set()
        assert api.get(f"/apps/{app}/config-vars") == {}


@pytest.mark.parametrize("number", range(4))
def test_the_provider_rotates_while_people_change_apps(api, services, owner, shop, number):
    """No lock is waited for in a circle, and no app is left with the old credentials."""
    for app in ("billing", "office"):
        attachments.attach(services, owner.actor, shop["name"], app)
    row = addon_states.row(services, uuid.UUID(shop["id"]))
    new = {"FAST_DB_KEY": f"rotated-{number}"}
    together(
        lambda: addon_states.set_config(services, row, new),
        lambda: attachments.attach(services, owner.actor, shop["name"], "office", "SECOND"),
        lambda: attachments.attach(services, owner.actor, shop["name"], "billing", "SECOND"),
        lambda: config_vars.update(services, owner.actor, "billing", {"OWN": "1"}),
        lambda: config_vars.update(services, owner.actor, "hello", {"OWN": "1"}),
    )
    for app in ("hello", "billing", "office"):
        consistent(api, services, owner, app)
        config = api.get(f"/apps/{app}/config-vars")
        assert config["FAST_DB_KEY"] == f"rotated-{number}"
    assert api.get("/apps/billing/config-vars")["SECOND_KEY"] == f"rotated-{number}"


@pytest.mark.parametrize("number", range(4))
def test_an_app_ends_while_its_add_on_is_attached_elsewhere(api, services, owner, shop, number):
    """The app goes with its add-on, or it is told who uses it: nobody keeps what is gone."""
    together(
        lambda: apps.destroy(services, owner.actor, "hello"),
        lambda: attachments.attach(services, owner.actor, shop["name"], "billing"),
        lambda: addons.destroy(services, owner.actor, shop["name"], force=True),
    )
    left = consistent(api, services, owner, "billing")
    assert left == set()
    gone = api.answer("GET", f"/addons/{shop['id']}").status_code == 404
    assert not gone or api.get("/apps/billing/config-vars") == {}


def test_destroyed_twice(api, services, owner, fast_db, shop):
    """A double click destroys it once."""
    together(lambda: addons.destroy(services, owner.actor, shop["name"]), rounds=4)
    assert [r["description"] for r in api.get("/apps/hello/releases")][2:] == [
        f"Attach FAST_DB (@ref:{shop['name']})", f"Detach FAST_DB (@ref:{shop['name']})",
    ]  # fmt: skip
    assert len(fast_db.asked("DELETE")) == 1


def test_one_key_many_clicks(api, services, owner, fast_db, hello):
    """The same idempotency key at the same time is one add-on, at the provider too."""
    together(
        lambda: addons.create(services, owner.actor, "hello", "fast-db", idempotency_key="form-1"),
        rounds=5,
    )
    assert len(api.get("/apps/hello/addons")) == 1
    assert len(fast_db.resources) == 1


def test_detached_in_the_middle_of_a_deploy(api, services, owner, deployer, shop):
    """What is on its way out keeps its config; the next release has its code and lacks the vars."""
    attachments.attach(services, owner.actor, shop["name"], "billing")
    deployer.deploy()
    coming = deployer.build(Procfile="web: python new.py\n")
    found = api.get("/apps/hello/addon-attachments/FAST_DB")
    api.delete(f"/addon-attachments/{found['id']}")

    newest = api.get("/apps/hello/releases")[-1]
    deployed = api.get(f"/apps/hello/releases/{coming['release']['id']}")
    assert newest["description"] == f"Detach FAST_DB (@ref:{shop['name']})"
    assert newest["slug"] == deployed["slug"]
    version = deployed["version"]
    assert "FAST_DB_URL" in api.get(f"/apps/hello/releases/{version}/config-vars")
    assert api.get("/apps/hello/config-vars") == {}

    deployer.fail("hello", version)  # the detachment is made again, with the code that runs
    assert api.get("/apps/hello/config-vars") == {}
    assert consistent(api, services, owner, "hello") == set()
