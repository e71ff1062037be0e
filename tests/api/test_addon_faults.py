"""Providers and people in each other's way: asked twice, answered late, told of what is gone."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from api.conftest import Api
from api.provider import PASSWORD, Provider
from kedge.errors import Conflict, KedgeError
from kedge.ops import accounts, addons, collaborators, provisioning
from kedge.ops.authorize import Actor
from kedge.plan.scopes import EVERYTHING

TOO_MUCH = "x" * 16_000


@pytest.fixture
def provider():
    """A provider that does what it is asked."""
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def notes(api, provider):
    """It is registered as the service `notes`, whose add-ons have up to six config vars."""
    manifest = provider.manifest()
    manifest["api"]["config_vars"] += [f"NOTES_{number}" for number in range(5)]
    return api.post("/kedge/addon-services", manifest)


@pytest.fixture
def made(api, notes, hello):
    """An add-on of the app `hello`."""
    return create(api)


def create(api, app="hello", **body):
    return api.post(f"/apps/{app}/addons", {"plan": "notes", **body})


def config(api, app="hello"):
    return api.get(f"/apps/{app}/config-vars")


def as_provider(api, asked):
    """The API as the provider of an add-on has it, by the request it was asked for it with."""
    form = {"grant_type": "authorization_code", "code": asked["oauth_grant"]["code"],
            "client_secret": PASSWORD}  # fmt: skip
    return Api(api.application, api.post("/oauth/token", form, 200)["access_token"])


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestAnsweredTwice:
    @pytest.mark.parametrize("answer", [202, 201])
    def test_called_back_before_it_has_answered(self, api, provider, notes, hello, answer):
        """A provider that is quick calls back within the request: that counts, once."""

        def called_back(method, path, body):
            its, place = as_provider(api, body), f"/addons/{body['uuid']}"
            its.patch(f"{place}/config", {"config": [{"name": "NOTES_URL", "value": "first"}]})
            its.post(f"{place}/actions/provision", {}, 200)
            return answer, {"id": "r1", "config": {"NOTES_URL": "late"}}

        provider.answer = called_back
        made = create(api)
        until(lambda: api.get(f"/addons/{made['id']}")["provider_id"] == "r1")

        assert config(api) == {"NOTES_URL": "first"}
        assert len(api.get("/apps/hello/releases")) == 3
        assert len(provider.asked) == 1

    def test_another_id_the_second_time(self, api, provider, made):
        """What it is asked to remove is what it made, whatever it called that later."""
        provider.answer = lambda *_: (200, {"id": "two"})
        api.patch(f"/apps/hello/addons/{made['name']}", {"plan": "notes:team"})
        provider.answer = None
        api.delete(f"/apps/hello/addons/{made['name']}")

        assert provider.asked[-1][:2] == ("DELETE", "/heroku/resources/r0")

    def test_ended_and_there(self, api, provider, made):
        """A provider that takes its add-on away twice, then says it is there, changes nothing."""
        its, place = as_provider(api, provider.asked[0][2]), f"/addons/{made['id']}/actions"
        assert its.post(f"{place}/deprovision", {}, 200)["state"] == "deprovisioned"
        for action in ("deprovision", "provision"):
            its.post(f"{place}/{action}", {}, 401)  # its tokens ended with the add-on

        assert config(api) == {}
        assert [each["description"] for each in api.get("/apps/hello/releases")][3:] == [
            f"Detach NOTES (@ref:{made['name']})"
        ]


class TestConfigItSends:
    @pytest.mark.parametrize(
        "sent",
        [[{"name": "OTHER_URL", "value": "x"}], [{"name": "NOTES_URL", "value": 7}],
         [{"name": "NOTES_URL", "value": "a\0b"}], [{"name": "NOTES_URL", "value": "\ud800"}],
         [{"name": "NOTES_URL", "value": "x" * 20_000}], [{"name": 7, "value": "x"}], ["x"],
         {"NOTES_URL": "x"}, [{"name": "<script>", "value": "x"}],
         [{"name": f"NOTES_{number}", "value": TOO_MUCH} for number in range(5)]],
        ids=lambda sent: str(sent)[:40],
    )  # fmt: skip
    def test_what_may_not_be(self, api, provider, made, sent):
        """Refused to the provider, in words; the app keeps what it has."""
        its = as_provider(api, provider.asked[0][2])
        before = config(api)
        its.patch(f"/addons/{made['id']}/config", {"config": sent}, 422)

        assert config(api) == before
        assert len(api.get("/apps/hello/releases")) == 3

    @pytest.mark.parametrize(
        ("given", "status"),
        [({"OTHER_URL": "x"}, 422), ({"NOTES_URL": "\ud800"}, 422), (b"no JSON", 503),
         ({"NOTES_URL": ["x"]}, 422)],
    )  # fmt: skip
    def test_with_another_plan(self, api, provider, made, given, status):
        """A provider that lies while it moves an add-on: plan and config are what they were."""
        is_text = isinstance(given, bytes)
        provider.answer = lambda *_: (200, given if is_text else {"config": given})
        before = config(api)
        api.patch(f"/apps/hello/addons/{made['name']}", {"plan": "notes:team"}, status)

        assert api.get(f"/addons/{made['name']}")["plan"]["name"] == "notes:free"
        assert config(api) == before
        provider.answer = None
        moved = api.patch(f"/apps/hello/addons/{made['name']}", {"plan": "notes:team"})
        assert moved["plan"]["name"] == "notes:team"


class TestAtTheSameTime:
    @pytest.fixture
    def slow(self, provider, made):
        """Its provider answers when `let` is set; `asked` once it has been asked."""
        asked, let = threading.Event(), threading.Event()

        def wait(method, path, body):
            asked.set()
            assert let.wait(20)
            return provider.obey(method, path, body)

        provider.answer = wait
        yield asked, let
        let.set()

    def test_two_people_change_the_plan(self, api, services, owner, slow, made):
        """The second is told that somebody is at it; the first one's plan is what it has."""
        asked, let = slow
        change = (services, owner.actor, made["name"], "notes:team")
        first = threading.Thread(target=addons.change_plan, args=change)
        first.start()
        assert asked.wait(20)
        with pytest.raises(Conflict, match="being changed already"):
            addons.change_plan(*change)
        let.set()
        first.join(20)

        assert api.get(f"/addons/{made['name']}")["plan"]["name"] == "notes:team"

    def test_destroyed_while_the_plan_changes(self, api, services, owner, provider, slow, made):
        """It goes: whoever destroyed it last has the last word, at the provider too."""
        asked, let = slow
        change = (services, owner.actor, made["name"], "notes:team")
        first = threading.Thread(target=_refused, args=(addons.change_plan, *change))
        first.start()
        assert asked.wait(20)
        second = threading.Thread(target=addons.destroy, args=change[:3])
        second.start()
        until(lambda: config(api) == {})
        let.set()
        for each in (first, second):
            each.join(20)
        _settle(services)
        until(lambda: provider.asked[-1][0] == "DELETE")
        assert api.get("/apps/hello/addons") == []

    def test_an_app_destroyed_while_its_add_on_is_made(self, api, services, provider, notes, hello):
        """What the provider made late is removed there; nothing is left of either."""
        let = threading.Event()

        def late(method, path, body):
            assert method == "DELETE" or let.wait(20)
            return provider.obey(method, path, body)

        provider.answer = late
        making = threading.Thread(target=_refused, args=(create, api))
        making.start()
        until(lambda: provider.asked)
        api.delete("/apps/hello")
        let.set()
        making.join(30)
        until(lambda: _settle(services) or provider.asked[-1][0] == "DELETE")


class TestProviderThatIsGone:
    @pytest.fixture
    def pending(self, api, provider, notes, hello, monkeypatch):
        """An add-on whose provider has been down since before it was asked for."""
        monkeypatch.setattr(provisioning, "WAIT_SECONDS", 0.3)
        provider.close()
        made = create(api)
        until(lambda: api.get(f"/addons/{made['id']}")["provision_message"])
        provider.close = lambda: None
        return made

    def test_whoever_waits_is_told(self, api, pending):
        """That it is asked again, and why; what needs it to be there says how to wait."""
        told = api.get(f"/addons/{pending['id']}")
        assert (told["state"], told["provision_message"]) == (
            "provisioning", "Notes is asked again by itself: it cannot be reached.",
        )  # fmt: skip
        path = f"/apps/hello/addons/{pending['name']}"
        assert "addons:wait" in api.patch(path, {"plan": "notes:team"}, 409)["message"]
        body = {"addon": pending["name"], "app": "hello", "name": "MORE"}
        assert "addons:wait" in api.post("/addon-attachments", body, 409)["message"]

    def test_its_service_can_be_removed(self, api, pending):
        """When nobody has an add-on of it any more, whether or not it ever hears of that."""
        assert pending["name"] in api.delete("/kedge/addon-services/notes", 409)["message"]
        api.delete(f"/apps/hello/addons/{pending['name']}")
        api.delete("/kedge/addon-services/notes")

        assert api.get("/addon-services") == []


class TestStalePages:
    """What somebody else has destroyed a moment ago, asked for by who still sees it."""

    @pytest.fixture
    def gone(self, api, made):
        """A destroyed add-on, and the id of its attachment."""
        attachment = api.get("/apps/hello/addon-attachments")[0]["id"]
        api.delete(f"/apps/hello/addons/{made['name']}")
        return made, attachment

    def test_is_not_there_any_more(self, api, gone):
        """Each is told so; none of it makes a release."""
        made, attachment = gone
        place = f"/apps/hello/addons/{made['name']}"
        before = len(api.get("/apps/hello/releases"))
        for path in (place, f"/apps/hello/addons/{made['id']}"):
            assert api.patch(path, {"plan": "notes:team"}, 404)["resource"] == "add_on"
            api.patch(path, {"name": "another"}, 404)
            api.delete(path, 404)
        api.get(f"{place}/sso", 404)
        api.post("/addon-attachments", {"addon": made["name"], "app": "hello"}, 404)
        assert api.delete(f"/addon-attachments/{attachment}", 404)["resource"] == "attachment"
        api.post(f"/kedge/addons/{made['id']}/restore", {}, 404)  # of a third party: it is gone

        assert len(api.get("/apps/hello/releases")) == before

    def test_its_name_is_somebody_elses_now(self, api, services, gone):
        """A page that names the old one by its id does not hit the new one of its name."""
        made, _ = gone
        create(api, name=made["name"])
        api.delete(f"/apps/hello/addons/{made['id']}", 404)

        assert [each["name"] for each in api.get("/apps/hello/addons")] == [made["name"]]


def test_whoever_operates_one_app_takes_nothing_from_another(
    api, services, owner, application, made
):
    """An add-on is attached by who may operate both apps; to see one of them is not enough."""
    eve = accounts.create_authorization(services, _person(services), "t", None)[1]
    its = Api(application, eve)
    its.post("/apps", {"name": "her-own"})
    body = {"addon": made["name"], "app": "her-own"}
    its.post("/addon-attachments", body, 404)
    collaborators.add(services, owner.actor, "hello", "eve@example.com", ["view", "deploy"])
    its.post("/addon-attachments", body, 403)
    its.post("/addon-attachments", {**body, "confirm": "her-own"}, 403)

    assert config(its, "her-own") == {}


def _person(services):
    from kedge.model.account import Account

    with services.database.transaction() as tx:
        account = Account(email="eve@example.com")
        tx.add(account)
        tx.flush()
        return Actor(account.id, account.email, is_owner=False, scopes=EVERYTHING)


def _refused(call, *arguments):
    """Asked for by somebody who may be told no, now that others were faster."""
    with suppress(KedgeError, AssertionError):
        call(*arguments)


def _settle(services):
    for addon_id in provisioning.due(services):
        provisioning.advance(services, addon_id)
