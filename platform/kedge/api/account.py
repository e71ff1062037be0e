"""The account of whoever asks."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import REQUESTS_REMAINING, answer
from kedge.api.context import actor, services
from kedge.clock import iso
from kedge.errors import NotFound
from kedge.model.account import Account
from kedge.model.tables import Json
from kedge.ops import accounts, passwords, profiles, sessions

routes = Blueprint("account", __name__)


def shown(account: Account) -> Json:
    """An account as the API shows it."""
    return {
        "allow_tracking": False,
        "beta": False,
        "country_of_residence": None,
        "created_at": iso(account.created_at),
        "default_organization": None,
        "default_team": None,
        "delinquent_at": None,
        "email": account.email,
        "federated": False,
        "id": str(account.id),
        "identity_provider": None,
        "last_login": None,
        "name": account.name,
        "sms_number": None,
        "suspended_at": iso(account.suspended_at) if account.suspended_at else None,
        "two_factor_authentication": account.totp_confirmed_at is not None,
        "updated_at": iso(account.updated_at),
        "verified": True,
    }


def check_self(user: str) -> None:
    """Raises NotFound when a path names another account than the one that asks."""
    if user not in ("~", actor().email, str(actor().account_id)):
        raise NotFound.of("user")


@routes.get("/account")
def info() -> Response:
    """The account that asks."""
    return answer(shown(accounts.account_of(services(), actor())))


@routes.patch("/account")
def update() -> Response:
    """One's own name, e-mail or password; the last two with the password of now."""
    body = bodies.body()
    email, new = bodies.text(body, "email", limit=254), bodies.text(body, "new_password")
    current = bodies.text(body, "password")
    for member in ("allow_tracking", "beta"):  # Heroku's; nobody is tracked here
        bodies.truth(body, member)
    if "name" in body:
        profiles.rename(services(), actor(), bodies.text(body, "name"))
    if new is not None:
        sessions.prove(services(), actor(), current or "")
        passwords.set_password(services(), actor(), new, current)
    if email is not None and email != actor().email:
        profiles.change_email(services(), actor(), email, new or current)
    return info()


@routes.get("/users/<user>")
def info_of_user(user: str) -> Response:
    """The account that asks, as `~`, by e-mail or by id."""
    check_self(user)
    return info()


@routes.patch("/users/<user>")
def update_user(user: str) -> Response:
    """The same as of one's own account, as `~`, by e-mail or by id."""
    check_self(user)
    return update()


@routes.get("/account/rate-limits")
def rate_limits() -> Response:
    """How many requests one may still make. Kedge refuses nobody; client libraries ask."""
    return answer({"remaining": REQUESTS_REMAINING})
