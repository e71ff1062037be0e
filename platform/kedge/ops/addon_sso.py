"""A person signed in at an add-on's provider, by a form their browser posts there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from kedge.errors import InvalidParams
from kedge.ops import addon_directory
from kedge.ops.addon_services import secrets_of
from kedge.ops.authorize import Action, Actor
from kedge.ops.services import Services


@dataclass(frozen=True, slots=True)
class Form:
    """A form a browser posts to sign a person in at a provider; `fields` are its values."""

    action: str
    fields: Mapping[str, str]


def form(services: Services, actor: Actor, identity: str, context: str | None = None) -> Form:
    """The form that signs the actor in at the add-on's provider, good for a few minutes.

    The token is Heroku's: sha1 of the resource's id, the salt and the time. Who is signed in there
    does as they like with what is in the add-on, so this is for those who may operate the app.

    Raises:
        Forbidden: the actor may only see the app.
        InvalidParams: the provider has nothing to sign in to, or is not done yet.
    """
    with services.database.transaction() as tx:
        addon = addon_directory.one(tx, actor, identity, Action.OPERATE)
    if not addon.service.sso_url or not addon.provider_id:
        raise InvalidParams(f"{addon.service.human_name} has no page of its own to open.")
    timestamp = str(int(services.now().timestamp()))
    salt = secrets_of(services, addon.service)["sso_salt"]
    salted = f"{addon.provider_id}:{salt}:{timestamp}"
    token = hashlib.sha1(salted.encode(), usedforsecurity=False).hexdigest()
    app_name = addon.app.name if addon.app else ""
    return Form(
        addon.service.sso_url,
        {
            "resource_id": str(addon.provider_id), "resource_token": token,
            "token": token, "id": str(addon.provider_id), "timestamp": timestamp,
            "nav-data": "", "email": actor.email, "user_id": str(actor.account_id),
            "app": app_name, "context_app": context or app_name,
        },
    )  # fmt: skip
