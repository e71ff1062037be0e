"""People and their tokens."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from kedge.errors import InvalidParams, NotFound, Unauthorized
from kedge.ids import as_uuid
from kedge.model.account import Account, Authorization, token_digest
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services
from kedge.plan.scopes import EVERYTHING, Scope

OWNER_TOKEN = "Installation owner"  # noqa: S105 - a description, not a token


def ensure_owner(services: Services, email: str) -> str | None:
    """Make the installation's owner when there is none; their token, or None when there was one."""
    with services.database.transaction() as tx:
        if tx.scalar(select(Account).where(Account.is_owner)):
            return None
        owner = Account(email=email, is_owner=True)
        token = services.mint()
        tx.add(owner)
        tx.flush()
        tx.add(_authorization(owner, token, OWNER_TOKEN))
        return token


def renew_owner_token(services: Services) -> str:
    """A fresh token for the owner, for a home whose token file was lost."""
    with services.database.transaction() as tx:
        owners = select(Account).where(Account.is_owner, Account.suspended_at.is_(None))
        owner = tx.scalars(owners.order_by(Account.created_at)).first()
        if owner is None:
            raise NotFound.of("user", "This installation has no owner any more.")
        token = services.mint()
        tx.add(_authorization(owner, token, OWNER_TOKEN))
        return token


def mint_token() -> str:
    """A token: 256 random bits behind a prefix that secret scanners can know."""
    return f"KDG-{secrets.token_urlsafe(32)}"


def authenticate(services: Services, token: str) -> Actor:
    """Whoever the token stands for.

    Raises:
        Unauthorized: unknown, or expired.
    """
    with services.database.transaction() as tx:
        query = select(Authorization).where(Authorization.token_sha256 == token_digest(token))
        found = tx.scalar(query)
        if found is None or (found.expires_at and found.expires_at <= services.now()):
            raise Unauthorized
        account = found.account
        if account.suspended_at:
            raise Unauthorized("This account is suspended. Ask an owner of the installation.")
        scopes = frozenset(map(Scope, found.scopes))
        return Actor(account.id, account.email, account.is_owner, found.id, scopes=scopes)


def account_of(services: Services, actor: Actor) -> Account:
    """The actor's own account."""
    with services.database.transaction() as tx:
        return tx.get_one(Account, actor.account_id)


def create_authorization(
    services: Services,
    actor: Actor,
    description: str,
    expires_in: int | None,
    scopes: Collection[Scope] = EVERYTHING,
) -> tuple[Authorization, str]:
    """A new token for the actor; `expires_in` is in seconds. The token is shown only here."""
    if expires_in is not None and expires_in <= 0:
        raise InvalidParams("expires_in must be a number of seconds above 0, or left out.")
    token = services.mint()
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id)
        made = _authorization(account, token, description or "Long-lived user authorization")
        made.scopes = [scope for scope in Scope if scope in scopes]
        if expires_in:
            made.expires_at = services.now() + timedelta(seconds=expires_in)
        tx.add(made)
        record(tx, actor, "authorization.create", description=made.description,
               scopes=made.scopes)  # fmt: skip
        return made, token


def list_authorizations(services: Services, actor: Actor) -> list[Authorization]:
    """The actor's tokens, oldest first."""
    query = select(Authorization).where(Authorization.account_id == actor.account_id)
    with services.database.transaction() as tx:
        return list(tx.scalars(query.order_by(Authorization.created_at)))


def find_authorization(services: Services, actor: Actor, identity: str) -> Authorization:
    """One of the actor's tokens by id, or `~` for the one in use. Raises NotFound."""
    wanted = actor.authorization_id if identity == "~" else as_uuid(identity)
    with services.database.transaction() as tx:
        found = tx.get(Authorization, wanted) if wanted else None
    if found is None or found.account_id != actor.account_id:
        raise NotFound.of("authorization")
    return found


def revoke_authorization(services: Services, actor: Actor, identity: str) -> Authorization:
    """Make a token worthless. Raises NotFound."""
    found = find_authorization(services, actor, identity)
    with services.database.transaction() as tx:
        tx.delete(tx.merge(found))
        record(tx, actor, "authorization.destroy", description=found.description)
    return found


def describe_authorization(
    services: Services, actor: Actor, identity: str, description: str | None
) -> Authorization:
    """Give one of the actor's tokens another description. Raises NotFound."""
    found = find_authorization(services, actor, identity)
    with services.database.transaction() as tx:
        row = tx.get_one(Authorization, found.id)
        row.description = description or row.description
        return row


def regenerate_token(services: Services, actor: Actor, identity: str) -> tuple[Authorization, str]:
    """Another token in place of one of the actor's, which is worthless from now on.

    Raises NotFound.
    """
    found = find_authorization(services, actor, identity)
    token = services.mint()
    with services.database.transaction() as tx:
        row = tx.get_one(Authorization, found.id)
        row.token_sha256 = token_digest(token)
        record(tx, actor, "authorization.regenerate", description=row.description)
        return row, token


def _authorization(account: Account, token: str, description: str) -> Authorization:
    return Authorization(
        account=account, description=description[:200], token_sha256=token_digest(token)
    )
