"""What a view has at hand: the services, who asks, and where the platform is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, current_app, g, request

from kedge.ops.authorize import Actor
from kedge.ops.services import Services
from kedge.places import Places

View = TypeVar("View", bound=Callable[..., Any])
_KEY = "kedge"
_STREAMS = "kedge.streams"
_PUBLIC = "is_public"
_FOR_PROVIDERS = "is_for_providers"


def install(app: Flask, services: Services) -> None:
    """Make these the services of the application's views."""
    app.extensions[_KEY] = services
    what = "log tails, outputs and roll-outs that are waited for"
    app.extensions[_STREAMS] = Places(services.settings.stream_places, what)


def services() -> Services:
    """The services of this application."""
    found: Services = current_app.extensions[_KEY]
    return found


def streams() -> Places:
    """The places of this application's answers that last."""
    found: Places = current_app.extensions[_STREAMS]
    return found


def actor() -> Actor:
    """Whoever makes this request."""
    who: Actor = g.actor
    return who


def public(view: View) -> View:
    """Mark a view that needs no credentials: its address is the permission, or it is open."""
    setattr(view, _PUBLIC, True)
    return view


def is_public(view: Callable[..., Any] | None) -> bool:
    """Whether a view needs no credentials."""
    return getattr(view, _PUBLIC, False)


def for_providers(view: View) -> View:
    """Mark a view that an add-on's provider may ask too, by the token of its grant."""
    setattr(view, _FOR_PROVIDERS, True)
    return view


def is_for_providers(view: Callable[..., Any] | None) -> bool:
    """Whether the provider of an add-on may ask this."""
    return getattr(view, _FOR_PROVIDERS, False)


def url(*parts: object) -> str:
    """The address of a path of this platform, as whoever asks reaches it."""
    return request.host_url + "/".join(quote(str(part), safe="") for part in parts)


def host() -> str:
    """The host name whoever asks reaches this platform by, without a port."""
    named = request.host
    if named.startswith("["):  # an IPv6 address
        return named.partition("]")[0] + "]"
    return named.partition(":")[0]
