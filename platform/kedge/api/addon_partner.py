"""What providers call: grants exchanged for tokens, config told, provisioning ended.

A provider shows the access token of one add-on, and may see and change that one alone.
https://devcenter.heroku.com/articles/platform-api-for-partners
"""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, request

from kedge.api import addon as addon_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, for_providers, public, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams
from kedge.model.tables import Json
from kedge.ops import addon_directory, addon_logs, addon_states, attached, grants

routes = Blueprint("addon_partner", __name__)


@routes.post("/oauth/token")
@public
def exchange() -> Response:
    """Tokens for a grant's code, or for a refresh token."""
    form = request.form or bodies.body()
    asked = {name: bodies.text(form, name, limit=500) or "" for name in
             ("grant_type", "code", "refresh_token", "client_secret")}  # fmt: skip
    kind = asked["grant_type"]
    code = asked["code"] if kind == "authorization_code" else asked["refresh_token"]
    made = grants.exchange(services(), kind, asked["client_secret"], code)
    return answer(
        {
            "access_token": made.access_token,
            "expires_in": made.expires_in,
            "refresh_token": made.refresh_token,
            "session_nonce": None,
            "token_type": "Bearer",
            "user_id": str(made.addon.user_id),
        }
    )


@routes.get("/addons/<addon>/config")
@for_providers
def config(addon: str) -> Response:
    """The config of an add-on, by its provider's names."""
    if actor().addon_id is None:
        return answer_list(_shown(addon_directory.config(services(), actor(), addon)))
    found = grants.own_addon(services(), actor(), addon)
    return answer_list(_shown(attached.provider_config(services(), found)))


@routes.patch("/addons/<addon>/config")
@for_providers
def update_config(addon: str) -> Response:
    """Change the config of an add-on: for its provider. Each change is a release of its apps."""
    found = grants.own_addon(services(), actor(), addon)
    changes: dict[str, object] = {}
    for each in bodies.sequence(bodies.body(), "config"):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise InvalidParams('config must be a list of {"name": …, "value": …}.')
        changes[each["name"]] = each.get("value")
    return answer_list(_shown(addon_states.set_config(services(), found, changes)))


@routes.post("/addons/<addon>/actions/provision")
@for_providers
def provisioned(addon: str) -> Response:
    """The add-on is there: for its provider."""
    found = grants.own_addon(services(), actor(), addon)
    return answer(addon_.shown(addon_states.done(services(), found.id)))


@routes.post("/addons/<addon>/actions/deprovision")
@for_providers
def deprovisioned(addon: str) -> Response:
    """The add-on will not be, or is gone: for its provider."""
    found = grants.own_addon(services(), actor(), addon)
    addon_states.ended(services(), found.id)
    return answer(addon_.shown(addon_states.row(services(), found.id)))


@routes.post("/addons/<uuid:addon>/logs/<secret>")
@public
def log(addon: uuid.UUID, secret: str) -> Response:
    """Lines for the logs of the apps that have the add-on: for its provider, as syslog frames."""
    addon_logs.write(services(), addon, secret, bodies.raw())
    return Response(status=204)


def _shown(config: dict[str, str]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in sorted(config.items())]
