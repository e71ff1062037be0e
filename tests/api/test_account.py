"""The account that asks, and its tokens."""

import base64
import uuid

import pytest

from api.conftest import Api


def test_the_account(api, owner):
    """One's account is found as itself, as ~, by e-mail and by id; no other is."""
    account = api.get("/account")
    assert account["email"] == "owner@localhost"
    for identity in ("~", account["email"], account["id"]):
        assert api.get(f"/users/{identity}") == account
    api.get("/users/somebody@example.com", 404)
    api.get("/users/somebody@example.com/apps", 404)


def test_rate_limits(api):
    """Clients that ask how much they may still ask are told."""
    assert api.get("/account/rate-limits")["remaining"] > 0


@pytest.mark.parametrize("user", ["", "owner@localhost", "heroku", "a:b"])
def test_basic_with_the_token_as_password(api, owner, user):
    """Basic takes the token as the password, whatever the user name, but for one with a colon."""
    pair = base64.b64encode(f"{user}:{owner.token}".encode()).decode()
    answer = api.answer("GET", "/account", headers={"Authorization": f"Basic {pair}"})
    assert answer.status_code == (401 if ":" in user else 200)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer é",
        "Basic",
        "Basic !!!",
        "Basic eA==",
        "Digest x",
        "Bearer " + "x" * 8000,
        "Basic " + "ÿ" * 9,
    ],
)
def test_unknown_credentials(api, header):
    """Without a known token the answer is 401 in words, whatever the header holds."""
    answer = api.answer("GET", "/apps", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["id"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_token_of_one_s_own(api, application):
    """A new token is shown once, works, is listed redacted, and is worthless when revoked."""
    body = {"description": "ci", "scope": ["global"], "expires_in": "3600"}
    made = api.post("/oauth/authorizations", body)
    token = made["access_token"]["token"]
    assert 0 < made["access_token"]["expires_in"] <= 3600
    assert made["user"]["email"] == "owner@localhost"
    other = Api(application, token)
    assert other.get("/oauth/authorizations/~")["id"] == made["id"]
    listed = api.get("/oauth/authorizations")
    assert [row["description"] for row in listed] == ["Installation owner", "ci"]
    assert token not in str(listed)
    assert api.delete(f"/oauth/authorizations/{made['id']}")["id"] == made["id"]
    other.get("/account", 401)
    api.delete(f"/oauth/authorizations/{made['id']}", 404)


def test_a_regenerated_token(api, application):
    """A regenerated token works in place of the earlier one, which does no longer."""
    made = api.post("/oauth/authorizations", {"description": "ci"})
    path = f"/oauth/authorizations/{made['id']}"
    fresh = api.post(f"{path}/actions/regenerate-tokens", {}, 200)["access_token"]["token"]
    Api(application, fresh).get("/account")
    Api(application, made["access_token"]["token"]).get("/account", 401)
    assert api.patch(path, {"description": "other"})["description"] == "other"


def test_an_expired_token(api, application, services):
    """A token is worthless once its time is over."""
    from sqlalchemy import text

    made = api.post("/oauth/authorizations", {"expires_in": 60})
    with services.database.transaction() as tx:
        tx.execute(text("update authorizations set expires_at = now() where expires_at > now()"))
    Api(application, made["access_token"]["token"]).get("/account", 401)


@pytest.mark.parametrize("expires_in", [0, -1, "soon", 10**20, [1], True])
def test_times_that_may_not_be(api, expires_in):
    """A token's time to live is a number of seconds above zero."""
    assert api.post("/oauth/authorizations", {"expires_in": expires_in}, 422)["message"]


def test_sessions(api):
    """There are no browser sessions, which is what the official client's logout copes with."""
    assert api.get("/oauth/sessions") == []
    assert api.delete("/oauth/sessions/~", 404)["resource"] == "session"


def test_somebody_else_s_token(api):
    """A token that is not one's own cannot be found."""
    for unknown in (str(uuid.uuid4()), "x"):
        api.get(f"/oauth/authorizations/{unknown}", 404)
        api.patch(f"/oauth/authorizations/{unknown}", {}, 404)
        api.post(f"/oauth/authorizations/{unknown}/actions/regenerate-tokens", {}, 404)
