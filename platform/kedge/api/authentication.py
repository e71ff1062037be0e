"""Who asks: a token as `Authorization: Bearer TOKEN`, or as the password of Basic."""

from __future__ import annotations

import base64
import binascii

from flask import current_app, g, request

from kedge.api.context import is_public, services
from kedge.errors import Unauthorized
from kedge.ops import accounts


def authenticate() -> None:
    """Note in `g.actor` who asks, unless the view is public or there is none.

    Raises:
        Unauthorized: no token, or an unknown one.
    """
    g.actor = None
    if request.endpoint is None or is_public(current_app.view_functions.get(request.endpoint)):
        return
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        raise Unauthorized(
            "There were no credentials in your `Authorization` header. "
            "Try `Authorization: Bearer TOKEN`."
        )
    g.actor = accounts.authenticate(services(), token)


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
