"""Tokens with scopes, signing in for one by password, and one's own account changed."""

import base64
from datetime import timedelta

import pyotp
import pytest

from api.conftest import Api
from kedge.ops import passwords, two_factor

PASSWORD = "four words are enough"


@pytest.fixture
def with_password(services, owner):
    """The owner has a password."""
    passwords.set_password(services, owner.actor, PASSWORD)


@pytest.fixture
def scoped(api, application):
    """Makes the API with a token of these scopes."""

    def make(*scopes):
        made = api.post("/oauth/authorizations", {"scope": list(scopes)})
        assert made["scope"] == list(scopes)
        return Api(application, made["access_token"]["token"])

    return make


def basic(email, password):
    pair = base64.b64encode(f"{email}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def sign_in(api, password, status=201, *, email="owner@localhost", **headers):
    headers = basic(email, password) | headers
    return api.post("/oauth/authorizations", {"scope": ["global"]}, status, headers=headers)


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "may"),
        [("identity", {"account"}), ("read", {"apps"}), ("write", {"apps", "scale"}),
         ("read-protected", {"apps", "config"}),
         ("write-protected", {"apps", "config", "scale", "set", "run"}),
         ("global", {"account", "apps", "config", "scale", "set", "run", "tokens"})],
    )  # fmt: skip
    def test_a_scope_is_what_it_says(self, deployer, hello, scoped, scope, may):
        """Config vars are read and code is run with protected scopes; tokens need global."""
        deployer.deploy()
        its = scoped(scope)
        calls = {
            "account": ("GET", "/account", None),
            "apps": ("GET", "/apps/hello", None),
            "config": ("GET", "/apps/hello/config-vars", None),
            "scale": ("PATCH", "/apps/hello/formation/web", {"quantity": 2}),
            "set": ("PATCH", "/apps/hello/config-vars", {"A": "1"}),
            "run": ("POST", "/apps/hello/dynos", {"command": "env"}),
            "tokens": ("POST", "/oauth/authorizations", {}),
        }
        answers = {name: its.answer(*call) for name, call in calls.items()}

        assert {name for name, answer in answers.items() if answer.status_code < 300} == may
        refused = [answer for answer in answers.values() if answer.status_code >= 300]
        assert {(answer.status_code, answer.json["id"]) for answer in refused} <= {
            (403, "forbidden")
        }

    def test_git_keeps_to_them(self, application, services, hello, scoped, tmp_path):
        """Fetching is reading; a push makes a release and runs code, which is write-protected."""
        from kedge.api import application as api_application
        from kedge.engine.git import Repositories
        from kedge.git import http

        blueprint = http.blueprint(services, Repositories(tmp_path / "git", 100))
        client = api_application.create(services, [blueprint]).test_client()

        def status(scope, service):
            headers = basic("", scoped(scope).token)
            path = f"/hello.git/info/refs?service={service}"
            return client.get(path, headers=headers).status_code

        assert status("read", "git-upload-pack") == 200
        assert status("identity", "git-upload-pack") == 403
        assert status("write", "git-receive-pack") == 403
        assert status("write-protected", "git-receive-pack") == 200

    @pytest.mark.parametrize("scope", [["everything"], ["read", 7], "read", [None]])
    def test_scopes_there_are_not(self, api, scope):
        """Are refused by name; no token is made."""
        api.post("/oauth/authorizations", {"scope": scope}, 422)
        assert len(api.get("/oauth/authorizations")) == 1


class TestSigningIn:
    def test_with_a_password(self, api, application, with_password):
        """`heroku login -i` gets a token for e-mail and password; that is all they are good for."""
        token = sign_in(api, PASSWORD)["access_token"]["token"]

        assert Api(application, token).get("/account")["email"] == "owner@localhost"
        sign_in(api, "another guess", 401)
        sign_in(api, PASSWORD, 401, email="nobody@localhost")
        api.get("/account", 401, headers=basic("owner@localhost", PASSWORD))

    def test_with_a_second_factor(self, api, services, owner, with_password):
        """It is asked for in Heroku's way, and taken from Heroku's header."""
        totp = pyotp.TOTP(two_factor.begin(services, owner.actor).secret)
        two_factor.finish(services, owner.actor, totp.at(services.now() - timedelta(seconds=30)))
        assert sign_in(api, PASSWORD, 403)["id"] == "two_factor"
        code = totp.at(services.now())
        sign_in(api, PASSWORD, **{"Heroku-Two-Factor-Code": code})
        sign_in(api, PASSWORD, 401, **{"Heroku-Two-Factor-Code": code})

    def test_guessing_is_slowed_down(self, api, with_password):
        """After ten wrong ones even the right one has to wait."""
        for _ in range(10):
            sign_in(api, "guess", 401)
        assert sign_in(api, PASSWORD, 429)["id"] == "rate_limit"


class TestAccount:
    def test_a_name(self, api):
        """Changed and taken away; Heroku's other members are taken and change nothing."""
        assert api.patch("/account", {"name": "Ada", "allow_tracking": True})["name"] == "Ada"
        assert api.patch("/users/~", {"beta": False})["name"] == "Ada"
        assert api.patch("/account", {"name": None})["name"] is None
        api.patch("/users/somebody@example.com", {"name": "Eve"}, 404)
        api.patch("/account", {"name": "x" * 201}, 422)

    def test_a_password_and_an_address(self, api, services, with_password):
        """Both only with the password of now, which is no more to be guessed than at a sign-in."""
        changes = {"email": "ada@example.com", "new_password": "other words for it"}
        for name, value in changes.items():
            api.patch("/account", {name: value}, 401)
            api.patch("/account", {name: value, "password": "a guess"}, 401)
        changed = api.patch("/account", changes | {"password": PASSWORD})

        assert changed["email"] == "ada@example.com"
        sign_in(api, "other words for it", email="ada@example.com")
        for _ in range(10):
            api.patch("/account", {"email": "x@example.com", "password": "guess"}, 401)
        api.patch("/account", {"email": "x@example.com", "password": "other words for it"}, 429)

    @pytest.mark.parametrize(
        "body",
        [{"email": "no address"}, {"email": "bob@example.com"}, {"new_password": "short"},
         {"email": 7}, {"name": ["x"]}, {"beta": "perhaps"}],
    )  # fmt: skip
    def test_what_may_not_be(self, api, services, owner, body):
        """Refused in words; nothing is changed."""
        from kedge.model.account import Account

        with services.database.transaction() as tx:
            tx.add(Account(email="bob@example.com"))
        api.patch("/account", body, 422)
        assert api.get("/account")["email"] == "owner@localhost"
