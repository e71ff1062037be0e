"""A visit: who looks at which app, and what they may do there. All that a page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kedge.dashboard import paths
from kedge.model.app import App
from kedge.ops import apps
from kedge.ops.authorize import Action, Actor, find_app, permissions_of
from kedge.ops.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One person's look at one page. `arguments` are those of the address that choose what is seen.

    `origin` is how they reach the platform: `https://localhost:8443`.
    """

    services: Services
    actor: Actor
    origin: str
    app: App | None = None
    may: frozenset[Action] = frozenset()
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the app that is looked at."""
        return self.the_app.name

    @property
    def the_app(self) -> App:
        """The app that is looked at."""
        if self.app is None:
            raise LookupError("this page is of no app")
        return self.app

    def path(self, *parts: object, **query: object) -> str:
        """The address of a page of the app."""
        return paths.app(self.name, *parts, **query)

    @property
    def web_url(self) -> str:
        """Where the app itself answers, by the scheme the platform was reached by."""
        settings = self.services.settings
        scheme = urlsplit(self.origin).scheme
        port = settings.https_port if scheme == "https" else settings.http_port
        place = "" if port == (443 if scheme == "https" else 80) else f":{port}"
        return f"{scheme}://{apps.default_hostname(self.services, self.name)}{place}/"

    @property
    def git_url(self) -> str:
        """Where the app's code is pushed to."""
        return f"{self.origin}/{self.name}.git"


def visit_app(
    services: Services,
    actor: Actor,
    identity: str,
    origin: str,
    arguments: Mapping[str, str] | None = None,
) -> Visit:
    """A visit to an app. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, identity, Action.VIEW)
        may = permissions_of(tx, actor, app)
    return Visit(
        services=services, actor=actor, origin=origin, app=app, may=may, arguments=arguments or {}
    )
