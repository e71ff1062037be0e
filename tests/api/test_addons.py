"""Add-ons of a provider that is somebody else's server."""

import hashlib
import threading
import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from api.provider import PASSWORD, SALT, Provider
from kedge.errors import InvalidParams
from kedge.model.addon import Addon
from kedge.ops import addons, attached, provisioning
from kedge.ops.authorize import Actor


@pytest.fixture
def provider():
    """A provider that does what it is asked."""
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def notes(api, provider):
    """It is registered as the service `notes`."""
    return api.post("/kedge/addon-services", provider.manifest())


def create(api, status=201, app="hello", **body):
    return api.post(f"/apps/{app}/addons", {"plan": "notes", **body}, status)


def config(api, app="hello"):
    return api.get(f"/apps/{app}/config-vars")


def descriptions(api, app="hello"):
    return [each["description"] for each in api.get(f"/apps/{app}/releases")][2:]


def settle(services):
    """What the clock has done: every provider that is due is asked."""
    for addon_id in provisioning.due(services):
        provisioning.advance(services, addon_id)


class TestServices:
    def test_a_manifest_is_registered(self, api, notes):
        """Its service and plans are listed in Heroku's shapes, the default one marked."""
        assert [each["name"] for each in api.get("/addon-services")] == ["notes"]
        plans = api.get("/addon-services/notes/plans")
        assert [(each["name"], each["default"]) for each in plans] == [
            ("notes:free", True), ("notes:team", False),
        ]  # fmt: skip
        assert api.get("/plans/notes:team") == api.get("/addon-services/notes/plans/team")

    def test_a_manifest_changes_a_service(self, api, provider, notes, hello):
        """Registered again it is the same service; a plan that is gone stays with who has it."""
        made = create(api, plan="notes:team")
        changed = api.post("/kedge/addon-services", provider.manifest(plans=[{"name": "free"}]))

        assert changed["id"] == notes["id"]
        assert [each["name"] for each in api.get("/addon-services/notes/plans")] == ["notes:free"]
        assert api.get(f"/addons/{made['name']}")["plan"]["name"] == "notes:team"

    @pytest.mark.parametrize(
        "change",
        [{"id": "Notes!"}, {"api": None}, {"plans": "all"}, {"plans": [{"name": "A B"}]},
         {"docs_url": "javascript:alert(1)"}, {"plans": [{"name": "a"}, {"name": "a"}]},
         {"name": "x" * 200}, {"icon": '"><script>'},
         {"plans": [{"name": "a", "price": {"cents": "1"}}]}],
    )  # fmt: skip
    def test_bad_manifests_are_refused(self, api, provider, change):
        """What is wrong is named; nothing is registered."""
        api.post("/kedge/addon-services", provider.manifest() | change, 422)

        assert api.get("/addon-services") == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [("version", "1"), ("password", "short"), ("sso_salt", None),
         ("config_vars", ["OTHER_URL"]),
         ("config_vars", "NOTES_URL"), ("production", {}),
         ("production", {"base_url": "file:///etc/passwd"}),
         ("production", {"base_url": "http://x/", "sso_url": "javascript:alert(1)"})],
    )  # fmt: skip
    def test_bad_api_parts_are_refused(self, api, provider, name, value):
        """So is what is wrong with its `api`."""
        manifest = provider.manifest()
        manifest["api"][name] = value
        api.post("/kedge/addon-services", manifest, 422)

    def test_a_service_in_use_stays(self, api, notes, hello):
        """It is retired only when nobody has an add-on of it any more."""
        made = create(api)
        assert made["name"] in str(api.get("/addons"))
        api.delete("/kedge/addon-services/notes", 409)
        api.delete(f"/apps/hello/addons/{made['name']}")
        api.delete("/kedge/addon-services/notes")

        assert api.get("/addon-services") == []


class TestProvisioning:
    def test_an_add_on_is_made_and_attached(self, api, provider, notes, hello):
        """The provider is asked once; its config is the app's, as a release in Heroku's words."""
        made = create(api)

        assert made["state"] == "provisioned"
        assert made["config_vars"] == ["NOTES_URL"]
        assert made["provision_message"] == "Ready."
        assert config(api) == {"NOTES_URL": "https://notes.example.com/r0"}
        assert descriptions(api) == [f"Attach NOTES (@ref:{made['name']})"]
        ((method, path, body),) = provider.asked
        assert (method, path, body["plan"], body["uuid"]) == (
            "POST", "/heroku/resources", "free", made["id"],
        )  # fmt: skip

    def test_it_is_attached_under_a_name(self, api, notes, hello):
        """`--as PRIMARY` is PRIMARY_URL; without a name the second one gets a colour."""
        create(api, attachment={"name": "primary"})
        first, second = create(api), create(api)

        assert set(config(api)) == {"PRIMARY_URL", "NOTES_URL", *second["config_vars"]}
        assert first["config_vars"] == ["NOTES_URL"]
        assert second["config_vars"][0].startswith("NOTES_")

    @pytest.mark.parametrize(
        "body",
        [{"plan": "nothing"}, {"plan": "notes:huge"}, {"plan": None}, {"name": "No Good"},
         {"attachment": {"name": "1"}}, {"config": {"a": ["list"]}}, {"plan": {"name": ""}}],
    )  # fmt: skip
    def test_bad_requests_are_refused(self, api, provider, notes, hello, body):
        """In words, and the provider hears nothing of it."""
        create(api, 422, **body)

        assert provider.asked == []
        assert api.get("/apps/hello/addons") == []

    def test_a_config_var_is_not_hidden(self, api, notes, hello):
        """An app's own NOTES_URL is not overwritten by an attachment, nor the other way round."""
        api.patch("/apps/hello/config-vars", {"NOTES_URL": "mine"})
        create(api, 422, attachment={"name": "NOTES"})
        made = create(api)
        (key,) = made["config_vars"]

        assert key != "NOTES_URL"
        words = api.patch("/apps/hello/config-vars", {key: "x"}, 422)["message"]
        assert f"Cannot overwrite attachment values {key}" in words
        assert config(api)["NOTES_URL"] == "mine"

    def test_a_provider_says_no(self, api, provider, notes, hello):
        """Its words are shown, and nothing is left of the add-on."""
        provider.answer = lambda *_: (422, {"message": "No more room <b>here</b>."})
        assert "No more room" in create(api, 422)["message"]

        assert api.get("/apps/hello/addons") == []
        assert api.get("/apps/hello/addon-attachments") == []
        provider.answer = None
        assert create(api)["config_vars"] == ["NOTES_URL"]

    @pytest.mark.parametrize(
        "answer",
        [(200, b"not json"), (200, b"[]"), (200, {}), (500, {}), (302, b""), (200, {"id": "a/b"}),
         (200, b"x" * 2_000_000), (418, {"message": "teapot"}), (200, {"id": None})],
    )  # fmt: skip
    def test_a_provider_that_lies_is_asked_again(
        self, api, services, provider, notes, hello, answer
    ):
        """What cannot be understood changes nothing; later it is asked again, by the same uuid."""
        provider.headers = {"Location": "http://169.254.169.254/"} if answer[0] == 302 else {}
        provider.answer = lambda *_: answer
        wait, provisioning.WAIT_SECONDS = provisioning.WAIT_SECONDS, 0.3
        try:
            made = create(api)
        finally:
            provisioning.WAIT_SECONDS = wait
        self._until_asked(provider)
        assert (made["state"], config(api)) == ("provisioning", {})
        provider.answer, provider.headers = None, {}
        self._until(lambda: self._due(services, made["id"]))
        provisioning.advance(services, uuid.UUID(made["id"]))

        assert api.get(f"/addons/{made['id']}")["state"] == "provisioned"
        assert {body["uuid"] for _, _, body in provider.asked} == {made["id"]}

    @pytest.mark.parametrize(
        "given", [{"OTHER_URL": "x"}, {"NOTES_URL": 7}, ["NOTES_URL"], {"NOTES_URL": "a\0b"}]
    )
    def test_config_the_manifest_does_not_declare(self, api, provider, notes, hello, given):
        """Is refused, and so is the add-on: no provider sets what it likes."""
        provider.answer = lambda *_: (200, {"id": "r1", "config": given})
        create(api, 422)

        assert config(api) == {}

    def test_two_clicks_make_one(self, api, provider, notes, hello):
        """The same idempotency key again is the same add-on."""
        headers = {"Idempotency-Key": "form-7"}
        made = [api.post("/apps/hello/addons", {"plan": "notes"}, headers=headers)["id"]
                for _ in range(2)]  # fmt: skip

        assert made[0] == made[1]
        assert len(provider.asked) == 1

    def test_many_at_once(self, api, services, owner, notes, hello):
        """Ten made at the same time are ten, each attached by a name of its own."""
        asked = (services, owner.actor, "hello", "notes")
        threads = [threading.Thread(target=addons.create, args=asked) for _ in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)

        assert len(api.get("/apps/hello/addons")) == 10
        self._until(lambda: self._all_there(services), seconds=60)
        assert len(config(api)) == 10
        versions = [each["version"] for each in api.get("/apps/hello/releases")]
        assert versions == list(range(1, 13))

    def _until_asked(self, provider):
        self._until(lambda: provider.asked)

    def _all_there(self, services):
        """Whether every add-on is; one whose provider was too slow is asked again."""
        with services.database.transaction() as tx:
            waiting = list(tx.scalars(select(Addon).where(Addon.state == "provisioning")))
            for row in waiting:
                row.try_at = services.now()
        settle(services)
        return not waiting

    def _until(self, condition, seconds=5):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _due(self, services, addon_id):
        with services.database.transaction() as tx:
            row = tx.get_one(Addon, uuid.UUID(addon_id))
            if row.leased_until is None:
                row.try_at = services.now()
                return True
        return False


class TestAsynchronous:
    @pytest.fixture
    def pending(self, api, provider, notes, hello, monkeypatch):
        """An add-on whose provider goes on, and the token it got for its grant."""
        monkeypatch.setattr(provisioning, "WAIT_SECONDS", 0.5)
        provider.answer = lambda *_: (202, {"id": "r1", "message": "Soon."})
        made = create(api)
        code = provider.asked[0][2]["oauth_grant"]["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_secret": PASSWORD}
        made["token"] = api.post("/oauth/token", form, 200)["access_token"]
        made["form"] = form
        return made

    def _as_provider(self, api, pending):
        from api.conftest import Api

        return Api(api.application, pending["token"])

    def test_it_ends_by_a_call_back(self, api, pending):
        """Config first, then the word that it is there: only then apps see it."""
        assert pending["state"] == "provisioning"
        its = self._as_provider(api, pending)
        path = f"/addons/{pending['id']}"
        its.patch(f"{path}/config", {"config": [{"name": "NOTES_URL", "value": "https://n/1"}]})
        assert config(api) == {}
        assert its.post(f"{path}/actions/provision", {}, 200)["state"] == "provisioned"
        its.post(f"{path}/actions/provision", {}, 200)  # it answers twice

        assert config(api) == {"NOTES_URL": "https://n/1"}
        assert len(descriptions(api)) == 1

    def test_a_later_change_is_a_release(self, api, pending):
        """A provider that rotates its credentials says so, and every app has the new ones."""
        its, path = self._as_provider(api, pending), f"/addons/{pending['id']}"
        for value in ("https://n/1", "https://n/2"):
            its.patch(f"{path}/config", {"config": [{"name": "NOTES_URL", "value": value}]})
            its.post(f"{path}/actions/provision", {}, 200)

        assert config(api) == {"NOTES_URL": "https://n/2"}
        assert descriptions(api)[-1] == "Update NOTES by notes"

    def test_a_provider_gives_up(self, api, pending):
        """The add-on is gone and its names are free again."""
        its = self._as_provider(api, pending)
        its.post(f"/addons/{pending['id']}/actions/deprovision", {}, 200)

        assert api.get("/apps/hello/addons") == []
        assert api.get("/apps/hello/addon-attachments") == []

    def test_it_never_ends(self, api, services, provider, pending):
        """After half a day it is given up, and its provider is told to remove it."""
        from dataclasses import replace

        provider.answer = None
        later = replace(services, now=lambda: services.now() + timedelta(hours=13))
        settle(later)

        deadline = time.monotonic() + 5
        while provider.asked[-1][0] != "DELETE":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert api.get("/apps/hello/addons") == []

    def test_a_token_is_of_one_add_on(self, api, provider, pending):
        """It opens nothing else; a grant is exchanged once, with the right secret."""
        its = self._as_provider(api, pending)
        provider.answer = None
        other = create(api)
        its.patch(f"/addons/{other['id']}/config", {"config": []}, 404)
        its.get("/apps/hello", 403)
        api.patch(f"/addons/{pending['id']}/config", {"config": []}, 403)
        api.post("/oauth/token", pending["form"], 401)
        code = provider.asked[-1][2]["oauth_grant"]["code"]
        form = pending["form"] | {"code": code, "client_secret": "guess"}
        api.post("/oauth/token", form, 401)


class TestChanges:
    def test_a_plan_is_changed(self, api, provider, notes, hello):
        """The provider moves it and may say something; a plan of another service is refused."""
        made = create(api)
        changed = api.patch(f"/apps/hello/addons/{made['name']}", {"plan": {"name": "notes:team"}})

        assert changed["plan"]["name"] == "notes:team"
        assert changed["provision_message"] == "Moved to team."
        assert provider.asked[-1] == ("PUT", "/heroku/resources/r0", {"plan": "team"})

    def test_a_plan_that_does_not_fit(self, api, provider, notes, hello):
        """The provider's words are shown, and the plan is what it was."""
        made = create(api, plan="notes:team")
        provider.answer = lambda *_: (422, {"message": "There are 11 notes."})
        path = f"/apps/hello/addons/{made['name']}"
        assert "11 notes" in api.patch(path, {"plan": "notes:free"}, 422)["message"]

        assert api.get(path)["plan"]["name"] == "notes:team"

    def test_it_is_destroyed(self, api, provider, notes, hello):
        """Detached at once, then removed at the provider; its state says so."""
        made = create(api)
        gone = api.delete(f"/apps/hello/addons/{made['name']}")

        assert gone["state"] == "deprovisioned"
        assert config(api) == {}
        assert provider.asked[-1][:2] == ("DELETE", "/heroku/resources/r0")
        assert descriptions(api)[-1] == f"Detach NOTES (@ref:{made['name']})"
        api.get(f"/addons/{made['name']}", 404)

    def test_a_provider_is_away_while_it_is_destroyed(
        self, api, services, provider, notes, hello, monkeypatch
    ):
        """The app is rid of it at once; the provider is asked until it has heard."""
        from dataclasses import replace

        monkeypatch.setattr(provisioning, "WAIT_SECONDS", 0.3)
        made = create(api)
        provider.answer = lambda *_: (503, {})
        assert api.delete(f"/apps/hello/addons/{made['name']}")["state"] == "deprovisioned"
        assert config(api) == {}
        provider.answer = None
        settle(replace(services, now=lambda: services.now() + timedelta(hours=1)))

        assert provider.asked[-1][0] == "DELETE"

    def test_apps_of_others_are_counted_and_not_named(self, api, services, notes, hello):
        """Why an add-on cannot go tells nobody the names of apps they do not see."""
        made = create(api)
        api.post("/apps", {"name": "other"})
        api.post("/addon-attachments", {"addon": made["name"], "app": "other"})
        stranger = Actor(uuid.uuid4(), "stranger@example.com", is_owner=False)
        with services.database.transaction() as tx:
            addon = tx.get_one(Addon, uuid.UUID(made["id"]))
            told = attached.elsewhere(tx, stranger, addon, addon.app_id)
        assert told == "1 of other people's apps"

    def test_each_attachment_is_listed_once(self, api, notes, hello):
        """Of all apps, however many add-ons an app has."""
        first, second = create(api), create(api)
        listed = [each["addon"]["name"] for each in api.get("/addon-attachments")]
        assert sorted(listed) == sorted([first["name"], second["name"]])

    def test_an_app_takes_its_add_ons_with_it(self, api, provider, notes, hello):
        """Destroyed with it, unless another app uses one: that is named, and nothing is done."""
        made = create(api)
        api.post("/apps", {"name": "other"})
        body = {"addon": made["name"], "app": "other"}
        shared = api.post("/addon-attachments", body)
        assert "other" in api.delete("/apps/hello", 423)["message"]
        assert api.get("/apps/hello")["name"] == "hello"
        api.delete(f"/addon-attachments/{shared['id']}")
        api.delete("/apps/hello")

        deadline = time.monotonic() + 5
        while provider.asked[-1][0] != "DELETE":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def test_signing_in(self, api, notes, hello):
        """The form holds Heroku's token: resource, salt and moment."""
        made = create(api)
        form = api.get(f"/apps/hello/addons/{made['name']}/sso")
        salted = f"r0:{SALT}:{form['timestamp']}"

        assert form["resource_token"] == hashlib.sha1(salted.encode()).hexdigest()
        assert form["action"].endswith("/sso/login")
        assert (form["email"], form["app"]) == ("owner@localhost", "hello")


class TestAttachments:
    @pytest.fixture
    def other(self, api):
        """Another app."""
        return api.post("/apps", {"name": "other"})

    def test_one_add_on_serves_two_apps(self, api, notes, hello, other):
        """Attached to another app it is a release there; detached, its vars go."""
        made = create(api)
        body = {"addon": made["name"], "app": "other", "name": "shared"}
        attachment = api.post("/addon-attachments", body)

        assert config(api, "other") == {"SHARED_URL": config(api)["NOTES_URL"]}
        assert descriptions(api, "other") == [f"Attach SHARED (@ref:{made['name']})"]
        assert len(api.get(f"/addons/{made['name']}/addon-attachments")) == 2
        assert [each["app"]["name"] for each in api.get("/apps/other/addons")] == ["hello"]
        api.delete(f"/addon-attachments/{attachment['id']}")
        assert config(api, "other") == {}
        own = api.get("/apps/hello/addon-attachments/NOTES")
        assert "destroy" in api.delete(f"/addon-attachments/{own['id']}", 409)["message"].lower()

    def test_a_shared_one_is_not_destroyed_by_mistake(self, api, notes, hello, other):
        """The apps that would lose it are named; forced, all of them are rid of it."""
        made = create(api)
        api.post("/addon-attachments", {"addon": made["name"], "app": "other"})
        path = f"/apps/hello/addons/{made['name']}"
        assert "other" in api.delete(path, 423)["message"]
        api.delete(path, body={"force": True})

        assert config(api, "other") == {}

    def test_the_plan_is_told_to_who_asks(self, api, notes, hello):
        """Heroku's CLI tells databases by it, and asks for it in a header of its own."""
        create(api)
        asks = {"Accept-Inclusion": "addon:plan,config_vars",  # which the schema has no word of
                "Authorization": f"Bearer {api.token}"}  # fmt: skip
        path = "/apps/hello/addon-attachments"
        (told,) = api.application.test_client().get(path, headers=asks).json
        (untold,) = api.get(path)

        assert told["addon"]["plan"]["name"] == "notes:free"
        assert "plan" not in untold["addon"]

    def test_names_are_resolved(self, api, notes, hello):
        """As people write them: a name, a var, a service, `app::NAME`."""
        made = create(api)
        for name in ("NOTES", "NOTES_URL", "notes", made["name"], made["id"], "hello::NOTES"):
            (found,) = api.post("/actions/addons/resolve", {"addon": name, "app": "hello"}, 200)
            assert found["id"] == made["id"]
        body = {"addon_attachment": "NOTES_URL", "app": "hello"}
        assert api.post("/actions/addon-attachments/resolve", body, 200)[0]["name"] == "NOTES"
        assert api.get("/addons/hello::NOTES")["id"] == made["id"]
        for name in ("NOTES", "hello::NOTES"):
            body = {"addon": name, "app": "hello", "name": f"BY_{len(name)}"}
            assert api.post("/addon-attachments", body)["addon"]["id"] == made["id"]
        api.get("/addons/hello::OTHER", 404)
        missing = api.post("/actions/addons/resolve", {"addon": "x", "app": "hello"}, 404)
        assert missing["resource"] == "add_on"


class TestReleases:
    def test_a_rollback_keeps_todays_add_ons(self, api, deployer, provider, notes, hello):
        """Own config vars come back; a newer add-on stays, one that is gone does not return."""
        api.patch("/apps/hello/config-vars", {"A": "old"})
        gone = create(api)
        deployer.deploy()
        first = api.get("/apps/hello/releases")[-1]["version"]
        api.patch("/apps/hello/config-vars", {"A": "new"})
        api.delete(f"/apps/hello/addons/{gone['name']}")
        kept = create(api, attachment={"name": "KEPT"})
        deployer.deploy()
        api.post("/apps/hello/releases", {"release": str(first)})

        assert config(api) == {"A": "old", "KEPT_URL": "https://notes.example.com/r1"}
        newest = api.get("/apps/hello/releases")[-1]
        assert newest["addon_plan_names"] == [kept["plan"]["name"]]
        assert api.get("/kedge/apps/hello/releases/verify")["verified"]

    def test_secrets_stay_sealed(self, services, api, notes, hello):
        """What a provider gave, and its password, are not to be read from the database."""
        create(api)
        with services.database.transaction() as tx:
            row = tx.query(Addon).one()

        assert b"notes.example.com" not in row.sealed_config
        assert PASSWORD.encode() not in row.service.sealed

    def test_a_key_rotation_keeps_them(self, services, owner, api, provider, notes, hello):
        """Config, options and the provider's secrets are sealed again, and go on working."""
        from kedge.ops import keys

        made = create(api, config={"colour": "blue"})
        assert keys.rotate(services, owner.actor).addons == 3
        api.patch(f"/apps/hello/addons/{made['name']}", {"plan": "notes:team"})

        assert api.get(f"/addons/{made['name']}/config")[0]["name"] == "NOTES_URL"


class TestOtherPeople:
    def test_a_viewer_changes_nothing(self, api, services, owner, application, notes, hello):
        """Seeing an app is seeing its add-ons, not making or destroying them, nor their secrets."""
        from api.conftest import Api
        from kedge.ops import accounts, collaborators, sessions, users

        _, token = users.invite(services, owner.actor, "bob@example.com")
        here = sessions.Client("::1", "")
        session = users.accept(services, token, "Bob", "four words are enough", here)
        bob_actor = sessions.resume(services, session).actor
        bob = Api(application, accounts.create_authorization(services, bob_actor, "t", None)[1])
        made = create(api)
        bob.get(f"/addons/{made['name']}", 404)
        collaborators.add(services, owner.actor, "hello", "bob@example.com", ["view"])

        assert bob.get(f"/apps/hello/addons/{made['name']}")["id"] == made["id"]
        create(bob, 403)
        bob.delete(f"/apps/hello/addons/{made['name']}", 403)
        bob.get(f"/addons/{made['name']}/config", 403)
        bob.post("/kedge/addon-services", {}, 403)


def test_names_of_built_in_ones_are_kept(services, owner, api, provider, notes, hello):
    """Apps reach the platform's own add-ons by their name, so that is not changed."""
    from kedge.ops import addon_services

    addon_services.register(services, None, provider.manifest("own"), is_builtin=True)
    provider.answer = lambda *_: (200, {"id": "o1", "config": {"OWN_URL": "x"}})
    made = create(api, plan="own")
    with pytest.raises(InvalidParams):
        addons.rename(services, owner.actor, made["name"], "other-name")


class TestRefusedLater:
    def test_whoever_waits_learns_why(self, api, provider, notes, hello):
        """By name and id it is `deprovisioned` with the provider's words, and in no list."""
        provider.answer = lambda *_: (422, {"message": "No room in this region."})
        create(api, 422, name="notes-first")
        for path in ("/addons/notes-first", "/apps/hello/addons/notes-first"):
            found = api.get(path)
            assert found["state"] == "deprovisioned"
            assert found["provision_message"] == "No room in this region."
        assert api.get("/apps/hello/addons") == []
        provider.answer = None
        made = create(api, name="notes-first")
        assert api.get("/addons/notes-first") == made


class TestConfirming:
    @pytest.fixture
    def two(self, api, notes, hello):
        """An app with two add-ons: NOTES and SECOND."""
        return create(api), create(api, attachment={"name": "SECOND"})

    def _take(self, api, addon, status, **more):
        body = {"addon": addon["name"], "app": "hello", "name": "NOTES", **more}
        return api.post("/addon-attachments", body, status)

    def test_a_name_changes_hands(self, api, two):
        """Confirmed with the app's name, one add-on takes another's place in one release."""
        first, second = two
        assert self._take(api, second, 423)["id"] == "confirmation_required"
        assert self._take(api, second, 423, confirm="other")["id"] == "confirmation_required"
        assert "only attachment" in self._take(api, second, 409, confirm="hello")["message"]
        api.post("/addon-attachments", {"addon": first["name"], "app": "hello", "name": "OLD"})
        before = config(api)
        self._take(api, second, 201, confirm="hello")

        after = config(api)
        assert after["NOTES_URL"] == after["SECOND_URL"] == before["SECOND_URL"]
        assert after["OLD_URL"] == before["NOTES_URL"]
        assert descriptions(api)[-1] == f"Attach NOTES (@ref:{second['name']})"

    def test_an_app_others_live_on(self, api, provider, notes, hello):
        """Confirmed with its name an app goes, and so does what others had attached of it."""
        made = create(api)
        api.post("/apps", {"name": "other"})
        api.post("/addon-attachments", {"addon": made["name"], "app": "other"})
        api.delete("/apps/hello", 423, body={"confirm": "other"})
        api.delete("/apps/hello", body={"confirm": "hello"})

        assert config(api, "other") == {}


class TestProvidersToken:
    @pytest.fixture
    def made(self, api, notes, hello):
        """An add-on."""
        return create(api)

    def its(self, api, provider, number=-1):
        """The API as the provider of the add-on it was asked for has it."""
        from api.conftest import Api

        asked = [body for method, _, body in provider.asked if method == "POST"][number]
        form = {"grant_type": "authorization_code", "code": asked["oauth_grant"]["code"],
                "client_secret": PASSWORD}  # fmt: skip
        return Api(api.application, api.post("/oauth/token", form, 200)["access_token"])

    def test_it_sees_its_add_on(self, api, provider, made):
        """By id and name, with its config; other add-ons and the app are none of its business."""
        its, other = self.its(api, provider), create(api, name="notes-other")
        for name in (made["id"], made["name"]):
            assert its.get(f"/addons/{name}")["id"] == made["id"]
        assert [each["name"] for each in its.get(f"/addons/{made['id']}/config")] == ["NOTES_URL"]
        its.get(f"/addons/{other['id']}", 404)
        for path in ("/apps/hello", "/addons", "/apps/hello/config-vars", "/account", "/apps"):
            assert its.get(path, 403)["id"] == "forbidden"
        its.post("/apps/hello/dynos", {"command": "env"}, 404)

    def test_one_of_the_platform_runs_dynos(
        self, api, services, deployer, provider, notes, hello, made
    ):
        """A built-in service that says so runs one-off dynos of the add-on's app, and no others."""
        from kedge.ops import addon_services

        manifest = provider.manifest("jobs", capabilities=["run-dynos"])
        addon_services.register(services, None, manifest, is_builtin=True)
        provider.answer = lambda *_: (200, {"id": "j1", "config": {}})
        create(api, plan="jobs")
        deployer.deploy()
        api.post("/apps", {"name": "other"})
        its = self.its(api, provider)
        dyno = its.post("/apps/hello/dynos", {"command": "true", "attach": False})

        assert its.get(f"/apps/hello/dynos/{dyno['id']}")["name"] == dyno["name"]
        its.post("/apps/other/dynos", {"command": "true"}, 404)
        its.delete(f"/apps/hello/dynos/{dyno['name']}", 403)

    def test_it_writes_logs(self, api, services, provider, made):
        """In syslog frames, to the address it was given; a guess or other text is refused."""
        given = provider.asked[0][2]
        path = given["log_input_url"].partition(":")[2].lstrip("/").partition("/")[2]
        line = b"<190>1 2026-01-01T00:00:00Z host app notes.1 - kept 3 notes"
        payload = b"%d %s" % (len(line), line)
        client = api.application.test_client()

        assert client.post(f"/{path}", data=payload).status_code == 204
        assert client.post(f"/{path}x", data=payload).status_code == 404
        assert client.post(f"/{path}", data=b"hello").status_code == 422
        assert client.post(f"/{path}", data=b"x" * 1_100_000).status_code == 413
        url = api.post("/apps/hello/log-sessions", {"lines": 10})["logplex_url"]
        shown = client.get("/" + url.split("/", 3)[3]).get_data(as_text=True)
        assert "app[notes.1]: kept 3 notes" in shown

    def test_only_operators_sign_in_at_it(self, api, application, services, owner, made):
        """Who may only see the app, or deploy, is not signed in where its data can be changed."""
        from api.conftest import Api
        from kedge.ops import accounts, collaborators, sessions, users

        _, token = users.invite(services, owner.actor, "eve@example.com")
        here = sessions.Client("::1", "")
        session = users.accept(services, token, "Eve", "four words are enough", here)
        actor = sessions.resume(services, session).actor
        eve = Api(application, accounts.create_authorization(services, actor, "t", None)[1])
        collaborators.add(services, owner.actor, "hello", "eve@example.com", ["deploy"])
        path = f"/apps/hello/addons/{made['name']}/sso"
        eve.get(path, 403)
        assert len(eve.get(f"/addons/{made['name']}/addon-attachments")) == 1
        collaborators.update(services, owner.actor, "hello", "eve@example.com", ["operate"])

        assert eve.get(path)["resource_id"] == "r0"
