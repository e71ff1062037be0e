"""What a view of the dashboard has at hand: the services, who is signed in, their form's key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, g, request

from kedge.dashboard import cookies, forms
from kedge.dashboard.live.hub import Hub
from kedge.engine.git import Repositories
from kedge.ops.authorize import Actor
from kedge.ops.services import Services
from kedge.ops.sessions import Client, SignedIn
from kedge.places import Places

View = TypeVar("View", bound=Callable[..., Any])
KEY = "kedge.dashboard"
STREAMS = "kedge.streams"  # as the application that is made by the API names them
_PUBLIC = "is_public"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What all its views share."""

    services: Services
    repositories: Repositories
    hub: Hub
    ledger: forms.Ledger


def dashboard() -> Dashboard:
    """The dashboard of this application."""
    found: Dashboard = current_app.extensions[KEY]
    return found


def streams() -> Places:
    """The places of all answers of this application that last: the API's and the dashboard's."""
    found: Places = current_app.extensions[STREAMS]
    return found


def services() -> Services:
    """The services of this application."""
    return dashboard().services


def signed_in() -> SignedIn | None:
    """Who is signed in, None on pages for everybody."""
    found: SignedIn | None = g.get("signed_in")
    return found


def session() -> SignedIn:
    """Who is signed in, on a page that is for those alone."""
    found: SignedIn = g.signed_in
    return found


def actor() -> Actor:
    """Whoever makes this request."""
    return session().actor


def client() -> Client:
    """Where this request comes from."""
    return Client(request.remote_addr or "", request.headers.get("User-Agent", "")[:500])


def origin() -> str:
    """How this request reaches the platform: `https://localhost:8443`."""
    return request.host_url.rstrip("/")


def form_key() -> bytes:
    """What form tokens of this visitor are made with; before a sign-in, their browser's own key."""
    who = signed_in()
    if who is not None:
        return who.csrf_key
    if "form_key" not in g:
        g.form_key = request.cookies.get(cookies.visit_name()) or secrets.token_urlsafe(32)
    return str(g.form_key).encode()


def form_token() -> str:
    """The token of this page's forms."""
    if "form_token" not in g:
        g.form_token = forms.token(form_key())
    return str(g.form_token)


def public(view: View) -> View:
    """Mark a view that is for everybody."""
    setattr(view, _PUBLIC, True)
    return view


def is_public(view: Callable[..., Any] | None) -> bool:
    """Whether a view is for everybody."""
    return getattr(view, _PUBLIC, False)
