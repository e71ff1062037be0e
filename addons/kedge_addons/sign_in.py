"""People at the providers' pages: signed in by the platform's form, for one resource at a time.

The token is Heroku's: hex SHA-1 of `resource_id:sso_salt:timestamp`, good for five minutes
(https://devcenter.heroku.com/articles/add-on-single-sign-on).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request, session
from werkzeug.wrappers import Response as Redirect

from kedge_addons.context import lifecycle
from kedge_addons.database import uuid_of
from kedge_addons.keys import Keys

TOKEN_SECONDS = 5 * 60
SIGNED_IN_SECONDS = 8 * 60 * 60
AT_MOST = 20  # resources one browser is signed in for; a cookie has 4 KB
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def install(app: Flask) -> None:
    """Make cookies those of `/provider` alone, and pages strict."""
    known: Keys = app.extensions["keys"]
    app.secret_key = known.session_key()
    app.config.update(
        SESSION_COOKIE_NAME="kedge_provider",
        SESSION_COOKIE_PATH="/provider",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.after_request(_headers)


def mount(app: Flask, name: str, pages: Blueprint | None) -> None:
    """The sign-in of a service, and its pages behind it."""
    door = Blueprint(f"{name} door", __name__)

    def sign_in() -> Redirect:
        """A person sent here by the platform."""
        resource_id = _checked(name)
        signed = {
            key: until for key, until in session.get("for", {}).items() if until > time.time()
        }
        kept = dict(sorted(signed.items(), key=lambda each: each[1])[-AT_MOST + 1 :])
        session["for"] = kept | {str(resource_id): int(time.time()) + SIGNED_IN_SECONDS}
        session["csrf"] = session.get("csrf") or secrets.token_urlsafe(24)
        return redirect(f"/provider/{name}/resources/{resource_id}/", 303)

    for path in (f"/provider/{name}/sso/login", f"/{name}/sso/login"):
        door.add_url_rule(path, f"sign_in {path}", sign_in, methods=["POST"])
    app.register_blueprint(door)
    if pages is not None:
        pages.before_request(_only_signed_in)
        prefix = f"/provider/{name}/resources/<uuid:resource_id>"
        app.register_blueprint(pages, url_prefix=prefix, name=f"{name} pages")


def csrf_token() -> str:
    """What every form of a page carries as `csrf`."""
    return str(session.get("csrf", ""))


def _only_signed_in() -> None:
    resource_id = str((request.view_args or {}).get("resource_id"))
    if session.get("for", {}).get(resource_id, 0) < time.time():
        abort(403, "Open this page from the platform: `kedge addons:open`, or its dashboard.")
    if request.method not in {"GET", "HEAD"}:
        given = request.form.get("csrf", "").encode()
        if not csrf_token() or not hmac.compare_digest(given, csrf_token().encode()):
            abort(403, "This form is too old. Load the page again.")


def _checked(name: str) -> uuid.UUID:
    """The resource the form is for, when the platform made it just now."""
    form, known = request.form, current_app.extensions["keys"]
    resource_id, timestamp = form.get("resource_id", ""), form.get("timestamp", "")
    salted = f"{resource_id}:{known.sso_salt(name)}:{timestamp}".encode()
    wanted = hashlib.sha1(salted, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(wanted.encode(), form.get("resource_token", "").encode()):
        abort(403, "This sign-in is not the platform's.")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOKEN_SECONDS:
        abort(403, "This sign-in is too old. Open the page again.")
    return lifecycle().tools.resources.find(name, uuid_of(resource_id)).id


def _headers(response: Response) -> Response:
    if request.path.startswith("/provider/"):
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
    return response
