"""One-time links: who has a token signs in to the dashboard without a password."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from kedge.errors import Unauthorized
from kedge.model.account import Account, token_digest
from kedge.model.session import SignInLink
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services
from kedge.ops.sessions import Client, open_session

VALID = timedelta(minutes=5)


def create(services: Services, actor: Actor) -> str:
    """A link's token for the actor: good for one sign-in within five minutes."""
    token = secrets.token_urlsafe(32)
    with services.database.transaction() as tx:
        tx.execute(delete(SignInLink).where(SignInLink.expires_at < services.now()))
        account = tx.get_one(Account, actor.account_id)
        expires_at = services.now() + VALID
        tx.add(
            SignInLink(
                account_id=account.id, token_sha256=token_digest(token), expires_at=expires_at
            )
        )
        record(tx, actor, "sign_in_link.create")
    return token


def use(services: Services, link_token: str, client: Client) -> str:
    """Sign in by a link, which is spent by it; the session's token.

    Raises:
        Unauthorized: unknown, used already, or expired.
    """
    with services.database.transaction() as tx:
        query = select(SignInLink).where(SignInLink.token_sha256 == token_digest(link_token))
        found = tx.scalar(query.with_for_update(of=SignInLink))
        is_good = found is not None and found.expires_at > services.now()
        if found is None or not is_good or found.account.suspended_at:
            raise Unauthorized(
                "This link has been used, or is older than five minutes. "
                "Make another one: `kedge dashboard`."
            )
        tx.delete(found)
        return open_session(services, tx, found.account, client)
