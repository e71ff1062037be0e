"""What providers call: grants exchanged for tokens, config told, provisioning ended.

A provider shows the access token of one add-on, and may see and change that one alone.
https://devcenter.heroku.com/articles/platform-api-for-partners
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from kedge.api import addon as addon_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.authentication import token_of
from kedge.api.context import actor, public, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams, NotFound, Unauthorized
from kedge.model.addon import Addon
from kedge.model.tables import Json
from kedge.ops import accounts, addons, attached, grants, provisioning

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
@public
def config(addon: str) -> Response:
    """The config of an add-on, by its provider's names."""
    if (found := _own(addon)) is not None:
        return answer_list(_shown(attached.provider_config(services(), found)))
    _signed_in()
    return answer_list(_shown(addons.config(services(), actor(), addon)))


@routes.patch("/addons/<addon>/config")
@public
def update_config(addon: str) -> Response:
    """Change the config of an add-on: for its provider. Each change is a release of its apps."""
    found = _its_provider(addon)
    changes: dict[str, object] = {}
    for each in bodies.sequence(bodies.body(), "config"):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise InvalidParams('config must be a list of {"name": …, "value": …}.')
        changes[each["name"]] = each.get("value")
    return answer_list(_shown(provisioning.set_config(services(), found, changes)))


@routes.post("/addons/<addon>/actions/provision")
@public
def provisioned(addon: str) -> Response:
    """The add-on is there: for its provider."""
    found = _its_provider(addon)
    return answer(addon_.shown(provisioning.done(services(), found.id)))


@routes.post("/addons/<addon>/actions/deprovision")
@public
def deprovisioned(addon: str) -> Response:
    """The add-on will not be, or is gone: for its provider."""
    found = _its_provider(addon)
    provisioning.ended(services(), found.id)
    return answer(addon_.shown(provisioning.row(services(), found.id)))


def _its_provider(identity: str) -> Addon:
    """The add-on, when its own provider asks. Raises Unauthorized or NotFound."""
    found = _own(identity)
    if found is None:
        raise Unauthorized("This is for the add-on's provider, with the token of its grant.")
    return found


def _own(identity: str) -> Addon | None:
    """The add-on whose token is shown; None for a token of another kind. Raises NotFound."""
    token = token_of(request.headers.get("Authorization", "")) or ""
    if not token.startswith(grants.PREFIX):
        return None
    found = grants.authenticate(services(), token)
    if identity not in (str(found.id), found.name):
        raise NotFound.of("add_on")
    return found


def _signed_in() -> None:
    """Note who asks, where it is no provider: these views stand outside the gate."""
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        raise Unauthorized
    g.actor = accounts.authenticate(services(), token)


def _shown(config: dict[str, str]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in sorted(config.items())]
