"""The people of the installation, and links that sign in to the dashboard."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services, url
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.model.account import Account
from kedge.model.tables import Json
from kedge.ops import sign_in_links, users

routes = Blueprint("users", __name__)


def shown(account: Account) -> Json:
    """A user as owners of the installation see them."""
    return {
        "id": str(account.id),
        "email": account.email,
        "name": account.name,
        "is_owner": account.is_owner,
        "suspended": account.suspended_at is not None,
        "two_factor_authentication": account.totp_confirmed_at is not None,
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
    }


@routes.get("/kedge/users")
def list_() -> Response:
    """Everybody with an account. For owners of the installation."""
    return answer_list([shown(each) for each in users.list_users(services(), actor())])


@routes.patch("/kedge/users/<user>")
def update(user: str) -> Response:
    """Suspend a user, or make them an owner of the installation. For owners."""
    body = bodies.body()
    suspended, is_owner = bodies.truth(body, "suspended"), bodies.truth(body, "is_owner")
    found = None
    if suspended is not None:
        found = users.suspend(services(), actor(), user, on=suspended)
    if is_owner is not None:
        found = users.make_owner(services(), actor(), user, on=is_owner)
    return answer(shown(found or users.find(services(), actor(), user)))


@routes.delete("/kedge/users/<user>")
def destroy(user: str) -> Response:
    """Remove a user who made nothing that must keep its author. For owners."""
    return answer(shown(users.remove(services(), actor(), user)))


@routes.get("/kedge/invitations")
def invitations() -> Response:
    """Who was invited and has not come yet. For owners of the installation."""
    found = users.list_invitations(services(), actor())
    return answer_list([{"id": str(e.id), "email": e.email, "is_owner": e.is_owner,
                         "expires_at": iso(e.expires_at)} for e in found])  # fmt: skip


@routes.post("/kedge/invitations")
def invite() -> Response:
    """Invite somebody; `url` is shown only here. For owners of the installation."""
    body = bodies.body()
    is_owner = bodies.truth(body, "is_owner") or False
    made, token = users.invite(services(), actor(), body.get("email") or "", is_owner=is_owner)
    shown_ = {"id": str(made.id), "email": made.email, "is_owner": made.is_owner}
    link = url("dashboard", "invitations", token)
    return answer({**shown_, "expires_at": iso(made.expires_at), "url": link}, 201)


@routes.delete("/kedge/invitations/<email>")
def withdraw(email: str) -> Response:
    """Take an invitation back. For owners of the installation."""
    users.withdraw(services(), actor(), email)
    return answer({"email": email})


@routes.post("/kedge/sign-in-links")
def link() -> Response:
    """A link that signs in to the dashboard once, within five minutes."""
    bodies.body()
    token = sign_in_links.create(services(), actor())
    return answer({"url": url("dashboard", "sign-in", token)}, 201)
