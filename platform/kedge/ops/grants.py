"""What a provider may do in the name of its add-on: a code it exchanges for tokens, once.

https://devcenter.heroku.com/articles/add-on-partner-api-reference#grant-code-exchange
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from kedge.clock import iso
from kedge.errors import Forbidden, NotFound, Unauthorized
from kedge.model.account import Account, token_digest
from kedge.model.addon import Addon, Grant, State
from kedge.ops.addon_services import secrets_of
from kedge.ops.authorize import Actor
from kedge.ops.services import Services

CODE_VALID = timedelta(minutes=5)
ACCESS_VALID = timedelta(seconds=28_799)
REFRESH_VALID = timedelta(days=3650)
PREFIX = "KDGA-"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of an add-on; shown only where they are made."""

    access_token: str
    refresh_token: str
    expires_in: int
    addon: Addon


def issue(services: Services, addon: Addon) -> dict[str, Any]:
    """A grant for an add-on's provider, as the body of a provision request has it."""
    code = secrets.token_urlsafe(32)
    expires_at = services.now() + CODE_VALID
    with services.database.transaction() as tx:
        tx.add(Grant(addon_id=addon.id, code_sha256=token_digest(code), expires_at=expires_at))
    return {"code": code, "expires_at": iso(expires_at), "type": "authorization_code"}


def exchange(services: Services, kind: str, secret: str, code: str) -> Tokens:
    """Tokens for a code (`authorization_code`) or for a refresh token (`refresh_token`).

    `secret` is the provider's client secret: the password of its manifest.

    Raises:
        Unauthorized: unknown, spent, expired, or another provider's.
    """
    column = Grant.code_sha256 if kind == "authorization_code" else Grant.refresh_sha256
    with services.database.transaction() as tx:
        query = select(Grant).where(column == token_digest(code)).with_for_update(of=Grant)
        found = tx.scalar(query) if kind in ("authorization_code", "refresh_token") else None
        if found is None or found.expires_at <= services.now():
            raise Unauthorized("This grant is unknown, spent, or has expired.")
        known = secrets_of(services, found.addon.service)["password"]
        if not secrets.compare_digest(known.encode(), secret.encode("utf-8", "replace")):
            raise Unauthorized("The client secret is not that of the add-on's provider.")
        access = f"{PREFIX}{secrets.token_urlsafe(32)}"
        refresh = code if kind == "refresh_token" else f"{PREFIX}{secrets.token_urlsafe(32)}"
        found.code_sha256 = None
        found.access_sha256, found.refresh_sha256 = token_digest(access), token_digest(refresh)
        found.created_at = services.now()
        found.expires_at = services.now() + REFRESH_VALID
        return Tokens(access, refresh, int(ACCESS_VALID.total_seconds()), found.addon)


def authenticate(services: Services, token: str) -> Actor:
    """The provider of an add-on, by the add-on's access token. Raises Unauthorized."""
    with services.database.transaction() as tx:
        found = tx.scalar(select(Grant).where(Grant.access_sha256 == token_digest(token)))
        if (
            found is None
            or found.created_at + ACCESS_VALID <= services.now()
            or found.addon.state in (State.DEPROVISIONED, State.RESTING)
        ):
            raise Unauthorized
        account = tx.get_one(Account, found.addon.user_id)
        return Actor(
            account.id, account.email, is_owner=False, addon_id=found.addon_id, scopes=frozenset()
        )


def own_addon(services: Services, actor: Actor, identity: str) -> Addon:
    """The add-on a provider speaks for, when it is the one of that name or id.

    Raises:
        Forbidden: no provider asks.
        NotFound: it is another add-on.
    """
    if actor.addon_id is None:
        raise Forbidden("This is for the add-on's provider, with the token of its grant.")
    with services.database.transaction() as tx:
        found = tx.get(Addon, actor.addon_id)
        if found is None or identity not in (str(found.id), found.name):
            raise NotFound.of("add_on")
        return found
