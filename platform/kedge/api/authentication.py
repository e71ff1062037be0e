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
from kedge.errors import Forbidden, Unauthorized
from kedge.ops import accounts, grants
from kedge.ops.authorize import Actor, require_scope


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
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        raise Unauthorized(
            "There were no credentials in your `Authorization` header. "
            "Try `Authorization: Bearer TOKEN`."
        )
    g.actor = _of(token)
    if g.actor.addon_id is None:
        require_scope(g.actor, scopes.needed(request.url_rule.rule, request.method))
    elif not is_for_providers(view):
        raise Forbidden("The token of an add-on is for what its provider may ask: docs/addons.md.")


def _of(token: str) -> Actor:
    if token.startswith(grants.PREFIX):
        return grants.authenticate(services(), token)
    return accounts.authenticate(services(), token)


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
    try:
        user_and_password = base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    return user_and_password.partition(":")[2] or None
