"""The account of whoever asks."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api.answers import REQUESTS_REMAINING, answer
from kedge.api.context import actor, services
from kedge.clock import iso
from kedge.errors import NotFound
from kedge.model.account import Account
from kedge.model.tables import Json
from kedge.ops import accounts

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


@routes.get("/users/<user>")
def info_of_user(user: str) -> Response:
    """The account that asks, as `~`, by e-mail or by id."""
    check_self(user)
    return info()


@routes.get("/account/rate-limits")
def rate_limits() -> Response:
    """How many requests one may still make. Kedge refuses nobody; client libraries ask."""
    return answer({"remaining": REQUESTS_REMAINING})
