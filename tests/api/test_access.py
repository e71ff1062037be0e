"""Collaborators, transfers and users by the API."""

import uuid

import pytest

from kedge.ops import accounts, users
from kedge.ops.sessions import Client, resume


@pytest.fixture
def person(services, owner, application):
    """Makes a person; the API as they have it, with their `email`."""
    from api.conftest import Api

    def make(name):
        email = f"{name}@example.com"
        _, token = users.invite(services, owner.actor, email)
        session = users.accept(services, token, name, "four words are enough", Client("::1", ""))
        actor = resume(services, session).actor
        made = Api(application, accounts.create_authorization(services, actor, "test", None)[1])
        made.email = email
        return made

    return make


class TestCollaborators:
    def test_somebody_is_added_and_removed(self, api, hello, person):
        """In Heroku's shapes: listed after the owner, found by e-mail, gone when removed."""
        bob = person("bob")
        made = api.post("/apps/hello/collaborators", {"user": bob.email, "silent": True})
        listed = api.get("/apps/hello/collaborators")

        assert [each["role"] for each in listed] == ["owner", "collaborator"]
        assert api.get(f"/apps/hello/collaborators/{bob.email}") == made
        assert [each["name"] for each in made["permissions"]] == ["view", "deploy", "operate"]
        assert bob.get("/apps/hello")["name"] == "hello"
        api.delete(f"/apps/hello/collaborators/{bob.email}")
        assert bob.get("/apps/hello", 404)["id"] == "not_found"

    def test_permissions_are_named(self, api, hello, person):
        """As `heroku access:add -p` sends them, to the team's address of the same thing."""
        bob = person("bob")
        body = {"user": bob.email, "permissions": ["deploy"]}
        made = api.post("/teams/apps/hello/collaborators", body)
        path = f"/teams/apps/hello/collaborators/{bob.email}"
        changed = api.patch(path, {"permissions": ["view", "manage"]})

        assert [each["name"] for each in made["permissions"]] == ["view", "deploy"]
        assert [each["name"] for each in changed["permissions"]] == ["view", "manage"]
        assert bob.patch("/apps/hello/config-vars", {"A": "1"}, 403)["id"] == "forbidden"

    @pytest.mark.parametrize(
        ("body", "status"),
        [({}, 422), ({"user": ""}, 422), ({"user": 7}, 422), ({"user": {"email": "x"}}, 404),
         ({"user": "nobody@example.com"}, 404), ({"user": "owner@localhost"}, 422),
         ({"user": "owner@localhost", "permissions": "all"}, 422),
         ({"user": "\ud800@example.com"}, 422)],
    )  # fmt: skip
    def test_bad_ones_are_refused(self, api, hello, body, status):
        """Refused in words, and nobody is added."""
        api.post("/apps/hello/collaborators", body, status)

        assert len(api.get("/apps/hello/collaborators")) == 1


class TestTransfers:
    def test_an_app_changes_hands(self, api, hello, person):
        """Offered, accepted, and then the recipient's; the one before goes on working on it."""
        bob = person("bob")
        made = api.post("/account/app-transfers", {"app": "hello", "recipient": bob.email})
        assert [each["id"] for each in bob.get("/account/app-transfers")] == [made["id"]]
        bob.patch(f"/account/app-transfers/{made['id']}", {"state": "accepted"})

        assert api.get("/apps/hello")["owner"]["email"] == bob.email
        assert api.get("/account/app-transfers/" + made["id"])["state"] == "accepted"

    def test_an_offer_is_withdrawn(self, api, hello, person):
        """Taken back by who made it; a second answer finds nothing to answer."""
        bob = person("bob")
        made = api.post("/account/app-transfers", {"app": "hello", "recipient": bob.email})
        bob.delete(f"/account/app-transfers/{made['id']}", 403)
        api.delete("/account/app-transfers/hello")

        bob.patch(f"/account/app-transfers/{made['id']}", {"state": "accepted"}, 404)
        api.get(f"/account/app-transfers/{uuid.uuid4()}", 404)


class TestUsers:
    def test_owners_invite_and_suspend(self, api, person):
        """An invitation's link is shown once; a suspended user is out at once."""
        made = api.post("/kedge/invitations", {"email": "eve@example.com"})
        assert "/dashboard/invitations/" in made["url"]
        assert [each["email"] for each in api.get("/kedge/invitations")] == ["eve@example.com"]
        api.delete("/kedge/invitations/eve@example.com")
        bob = person("bob")
        assert api.patch(f"/kedge/users/{bob.email}", {"suspended": True})["suspended"]

        assert "suspended" in bob.get("/account", 401)["message"]

    def test_everybody_else_is_refused(self, api, person):
        """People are the owners' business."""
        bob = person("bob")
        for method, path, body in (
            ("GET", "/kedge/users", None),
            ("GET", "/kedge/invitations", None),
            ("POST", "/kedge/invitations", {"email": "x@example.com"}),
            ("PATCH", f"/kedge/users/{bob.email}", {"is_owner": True}),
            ("DELETE", f"/kedge/users/{bob.email}", None),
        ):
            assert bob.call(method, path, 403, body)["id"] == "forbidden"

    def test_a_link_signs_in(self, api, services):
        """`kedge dashboard` asks for one; it leads to the dashboard."""
        url = api.post("/kedge/sign-in-links", {})["url"]

        assert url.rpartition("/")[0].endswith("/dashboard/sign-in")
