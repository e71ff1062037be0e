"""Tokens, as OAuth authorizations; and sessions, of which there are none."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import NotFound
from kedge.model.account import Authorization
from kedge.model.tables import Json
from kedge.ops import accounts
from kedge.plan import scopes

routes = Blueprint("authorizations", __name__)
# Only a digest of a token is kept, so a listed one cannot be shown again.
REDACTED = "KDG-**********"
CENTURY_SECONDS = 100 * 365 * 24 * 3600


def shown(authorization: Authorization, token: str = REDACTED) -> Json:
    """An authorization as the API shows it; with the token only in the answer that made it."""
    user = authorization.account
    return {
        "access_token": {
            "expires_in": _expires_in(authorization),
            "id": str(authorization.token_id),
            "token": token,
        },
        "client": None,
        "created_at": iso(authorization.created_at),
        "description": authorization.description,
        "grant": None,
        "id": str(authorization.id),
        "refresh_token": None,
        "scope": authorization.scopes,
        "session": None,
        "updated_at": iso(authorization.updated_at),
        "user": {"email": user.email, "full_name": user.name, "id": str(user.id)},
    }


@routes.get("/oauth/authorizations")
def list_() -> Response:
    """One's tokens, redacted."""
    rows = accounts.list_authorizations(services(), actor())
    return answer_list([shown(row) for row in rows])


@routes.post("/oauth/authorizations")
def create() -> Response:
    """A new token, shown this once."""
    body = bodies.body()
    description = bodies.text(body, "description", limit=200) or ""
    expires_in = bodies.integer(body, "expires_in", lowest=1, highest=CENTURY_SECONDS)
    wanted = scopes.read(bodies.sequence(body, "scope"))
    row, token = accounts.create_authorization(services(), actor(), description, expires_in, wanted)
    return answer(shown(row, token), 201)


@routes.get("/oauth/authorizations/<authorization>")
def info(authorization: str) -> Response:
    """One token, by id; `~` is the one in use."""
    return answer(shown(accounts.find_authorization(services(), actor(), authorization)))


@routes.patch("/oauth/authorizations/<authorization>")
def update(authorization: str) -> Response:
    """Another description."""
    description = bodies.text(bodies.body(), "description", limit=200)
    row = accounts.describe_authorization(services(), actor(), authorization, description)
    return answer(shown(row))


@routes.delete("/oauth/authorizations/<authorization>")
def destroy(authorization: str) -> Response:
    """Make a token worthless."""
    return answer(shown(accounts.revoke_authorization(services(), actor(), authorization)))


@routes.post("/oauth/authorizations/<authorization>/actions/regenerate-tokens")
def regenerate(authorization: str) -> Response:
    """Another token in place of this one."""
    row, token = accounts.regenerate_token(services(), actor(), authorization)
    return answer(shown(row, token))


@routes.get("/oauth/sessions")
def sessions() -> Response:
    """An empty list: people sign in with tokens."""
    return answer_list([])


@routes.delete("/oauth/sessions/<session>")
def end_session(session: str) -> Response:
    """Not found: there are no sessions to end."""
    del session
    raise NotFound.of("session")


def _expires_in(authorization: Authorization) -> int | None:
    if authorization.expires_at is None:
        return None
    left = authorization.expires_at - services().now()
    return max(0, int(left.total_seconds()))
