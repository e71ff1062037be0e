"""What every request of the dashboard passes before its view: who it is from, and that it is meant.

Deny by default: a view is for those who are signed in unless it says that it is for everybody, and
every POST needs a form's token, whatever the view.
"""

from __future__ import annotations

from flask import Response, current_app, g, request

from kedge.dashboard import context, cookies, forms
from kedge.errors import BadRequest, Unauthorized
from kedge.ops import sessions


def enter() -> Response | None:
    """Let a request in. The answer to give instead of the view's, when it was sent before.

    Raises:
        Unauthorized: nobody is signed in, or no longer.
        Forbidden: the form is none of ours.
    """
    g.signed_in = None
    _identify()
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    if request.mimetype not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise BadRequest("The dashboard takes forms. Programs use the Platform API: docs/api.md.")
    forms.check(request, context.form_key())
    g.form = forms.fingerprint(request)
    before = context.dashboard().ledger.begin(g.form)
    return before.response if before else None


def leave(response: Response) -> Response:
    """Remember a form's answer for the second half of a double click."""
    if (key := g.pop("form", None)) is not None:
        context.dashboard().ledger.end(key, response)
    return response


def abandon(_error: BaseException | None) -> None:
    """Forget a form whose view ended without an answer."""
    if (key := g.pop("form", None)) is not None:
        context.dashboard().ledger.end(key, None)


def _identify() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    token = cookies.session_token()
    if token is None:
        if not context.is_public(view):
            raise Unauthorized("Sign in to see this page.")
        return
    try:
        g.signed_in = sessions.resume(context.services(), token)
        g.actor = g.signed_in.actor  # for the line in the log
    except Unauthorized:
        if not context.is_public(view):
            raise
