"""Who asks: a token as `Authorization: Bearer TOKEN`, or as the password of Basic.

An account's token has scopes, and what a request needs is said in `scopes.py`; the token of an
add-on is its provider's, and good for the few views that say so.
"""

from __future__ import annotations

import base64
import binascii

from flask import current_app, g, request

from kedge.api import scopes
from kedge.api.context import is_for_providers, is_public, services
from kedge.errors import CodeNeeded, Forbidden, SecondFactorNeeded, Unauthorized
from kedge.ops import accounts, grants, sessions
from kedge.ops.authorize import Actor, require_scope

_SIGNS_IN = ("/oauth/authorizations", "POST")
_TOKENS = ("KDG-", grants.PREFIX)


def authenticate() -> None:
    """Note in `g.actor` who asks, unless the view is public or there is none.

    Raises:
        Unauthorized: no token, or an unknown one.
        Forbidden: a token that is not for this.
    """
    g.actor = None
    view = current_app.view_functions.get(request.endpoint or "")
    if request.url_rule is None or is_public(view):
        return
    header, rule = request.headers.get("Authorization", ""), request.url_rule.rule
    if (rule, request.method) == _SIGNS_IN and (pair := _pair_of(header)):
        g.actor = _by_password(*pair)
        return
    token = token_of(header)
    if token is None:
        raise Unauthorized(
            "There were no credentials in your `Authorization` header. "
            "Try `Authorization: Bearer TOKEN`."
        )
    g.actor = _of(token)
    if g.actor.addon_id is None:
        require_scope(g.actor, scopes.needed(rule, request.method))
    elif not is_for_providers(view):
        raise Forbidden("The token of an add-on is for what its provider may ask: docs/addons.md.")


def _of(token: str) -> Actor:
    if token.startswith(grants.PREFIX):
        return grants.authenticate(services(), token)
    return accounts.authenticate(services(), token)


def _by_password(email: str, password: str) -> Actor:
    """Whoever signs in for a token: `heroku login -i`. Their password is good for nothing else."""
    client = sessions.Client(request.remote_addr or "", request.user_agent.string)
    code = request.headers.get("Heroku-Two-Factor-Code")
    try:
        account = sessions.by_password(services(), email, password, code, client)
    except SecondFactorNeeded:
        raise CodeNeeded from None
    return Actor(account.id, account.email, account.is_owner)


def _pair_of(header: str) -> tuple[str, str] | None:
    """An e-mail address and password, as Basic has them; None where it is a token or nothing."""
    scheme, _, credentials = header.strip().partition(" ")
    user, _, password = _decoded(credentials.strip()).partition(":")
    is_pair = scheme.lower() == "basic" and "@" in user and not password.startswith(_TOKENS)
    return (user, password) if is_pair and password else None


def token_of(header: str) -> str | None:
    """The token in an Authorization header, None when it holds none.

    With Basic the user name may be anything: clients send an e-mail, `heroku` or nothing.
    """
    scheme, _, credentials = header.strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials or None
    if scheme.lower() == "basic":
        return _password(credentials)
    return None


def _password(credentials: str) -> str | None:
    return _decoded(credentials).partition(":")[2] or None


def _decoded(credentials: str) -> str:
    """`user:password`, or nothing where it is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
