"""Sessions of the dashboard: a sign-in makes one, each request resumes it.

Guessing is slowed down by account and by address. Both are counted in PostgreSQL, so that no
restart and no second process makes it cheaper; who is locked out by somebody else's guesses signs
in by a link (`ops/sign_in_links.py`).
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Transaction

from kedge.errors import (
    NotFound,
    SecondFactorNeeded,
    SignInRefused,
    TooManyAttempts,
    Unauthorized,
)
from kedge.ids import as_uuid
from kedge.model.account import Account, token_digest
from kedge.model.session import Session, SignInAttempt
from kedge.ops import passwords, two_factor
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services

IDLE = timedelta(days=14)
LONGEST = timedelta(days=60)
CONFIRMED = timedelta(minutes=10)
SEEN_AGAIN = timedelta(minutes=1)  # not every request is worth a write
WINDOW = timedelta(minutes=15)
FAILURES_BY_ACCOUNT = 10
FAILURES_BY_ADDRESS = 50


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that is in force. `recent_until`: until when they need not prove themselves."""

    actor: Actor
    session_id: uuid.UUID
    csrf_key: bytes
    account: Account
    recent_until: datetime | None


def sign_in(
    services: Services, email: str, password: str, second_factor: str | None, client: Client
) -> str:
    """A new session; its token, which is shown only here. Raises as `by_password` does."""
    account = by_password(services, email, password, second_factor, client)
    with services.database.transaction() as tx:
        return open_session(services, tx, account, client)


def by_password(
    services: Services, email: str, password: str, second_factor: str | None, client: Client
) -> Account:
    """The account of whoever knows its password, and has its second factor where there is one.

    Raises:
        TooManyAttempts: too many failed for this account or from this address.
        SecondFactorNeeded: the password is right, and a code is asked for.
        SignInRefused: anything is wrong; what is not told.
    """
    names = [f"account:{email.strip().lower()[:254]}", f"address:{client.address}"]
    _refuse_guessing(services, names)
    with services.database.transaction() as tx:
        account = _account(tx, email)
        is_right = passwords.is_right(account, password) and account is not None
        if is_right and account is not None and not account.suspended_at:
            if account.totp_confirmed_at is None:
                return account
            if not second_factor:
                raise SecondFactorNeeded
            if two_factor.accepts(services, tx, account, second_factor):
                return account
    _note_failure(services, names)
    raise SignInRefused


def open_session(services: Services, tx: Transaction, account: Account, client: Client) -> str:
    """A session for an account that has proven itself; its token."""
    token = secrets.token_urlsafe(32)
    now = services.now()
    made = Session(
        account_id=account.id,
        token_sha256=token_digest(token),
        csrf_key=secrets.token_bytes(32),
        address=client.address[:64],
        user_agent=client.user_agent[:500].replace("\0", ""),
        seen_at=now,
        confirmed_until=now + CONFIRMED,
    )
    tx.add(made)
    tx.flush()
    record(tx, _actor(account, made), "session.create", address=client.address)
    return token


def resume(services: Services, token: str) -> SignedIn:
    """Whoever the session's token stands for.

    Raises:
        Unauthorized: there is no such session, it has expired, or its account is suspended.
    """
    now = services.now()
    with services.database.transaction() as tx:
        query = select(Session).where(Session.token_sha256 == token_digest(token))
        found = tx.scalar(query)
        if found is None or found.account.suspended_at:
            raise Unauthorized("You are not signed in.")
        if found.seen_at < now - IDLE or found.created_at < now - LONGEST:
            raise Unauthorized("Your session has expired. Sign in again.")
        if found.seen_at < now - SEEN_AGAIN:
            found.seen_at = now
        account = found.account
        until = found.confirmed_until
        recent = until if until and until > now else None
        return SignedIn(_actor(account, found), found.id, found.csrf_key, account, recent)


def sign_out(services: Services, token: str) -> None:
    """End a session. One that is gone already is fine."""
    with services.database.transaction() as tx:
        tx.execute(delete(Session).where(Session.token_sha256 == token_digest(token)))


def confirm(services: Services, signed_in: SignedIn, proof: str) -> None:
    """Have somebody prove themselves again before something dangerous. Raises as `prove` does."""
    _prove(services, signed_in.actor, proof, is_without=False)
    with services.database.transaction() as tx:
        found = tx.get(Session, signed_in.session_id)
        if found is not None:
            found.confirmed_until = services.now() + CONFIRMED


def prove(services: Services, actor: Actor, proof: str) -> None:
    """Whoever has a password shows it, or a code of their second factor.

    Raises:
        TooManyAttempts: they failed too often.
        SignInRefused: it is neither their password nor a code.
    """
    _prove(services, actor, proof, is_without=True)


def _prove(services: Services, actor: Actor, proof: str, *, is_without: bool) -> None:
    """`is_without`: an account that has no password yet need not show one."""
    names = [f"account:{actor.email.lower()}"]
    _refuse_guessing(services, names)
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        is_code = account.totp_confirmed_at and two_factor.accepts(services, tx, account, proof)
        if is_code or passwords.is_right(account, proof):
            return
        if is_without and account.password is None:
            return
    _note_failure(services, names)
    raise SignInRefused("That is neither your password nor a code of your authenticator.")


def list_sessions(services: Services, actor: Actor) -> list[Session]:
    """The actor's sessions that are in force, the one seen last first."""
    now = services.now()
    query = (
        select(Session)
        .where(Session.account_id == actor.account_id)
        .where(Session.seen_at >= now - IDLE, Session.created_at >= now - LONGEST)
        .order_by(Session.seen_at.desc())
    )
    with services.database.transaction() as tx:
        return list(tx.scalars(query))


def revoke_session(services: Services, actor: Actor, identity: str) -> None:
    """End one of the actor's sessions. Raises NotFound."""
    with services.database.transaction() as tx:
        wanted = as_uuid(identity)
        found = tx.get(Session, wanted) if wanted else None
        if found is None or found.account_id != actor.account_id:
            raise NotFound.of("session")
        tx.delete(found)
        record(tx, actor, "session.destroy", session=str(found.id))


def forget_old(services: Services) -> None:
    """Drop sessions that have expired and attempts that count no more."""
    now = services.now()
    with services.database.transaction() as tx:
        tx.execute(delete(Session).where(Session.seen_at < now - IDLE))
        tx.execute(delete(Session).where(Session.created_at < now - LONGEST))
        tx.execute(delete(SignInAttempt).where(SignInAttempt.created_at < now - WINDOW))


def _actor(account: Account, session: Session) -> Actor:
    return Actor(account.id, account.email, account.is_owner, session_id=session.id)


def _account(tx: Transaction, email: str) -> Account | None:
    wanted = _kept([email.strip().lower()])[0]
    query = select(Account).where(func.lower(Account.email) == wanted)
    return tx.scalar(query.with_for_update())


def _refuse_guessing(services: Services, names: list[str]) -> None:
    since = services.now() - WINDOW
    query = (
        select(SignInAttempt.name, func.count(), func.min(SignInAttempt.created_at))
        .where(SignInAttempt.name.in_(_kept(names)), SignInAttempt.created_at > since)
        .group_by(SignInAttempt.name)
    )
    with services.database.transaction() as tx:
        for name, count, first in tx.execute(query).all():
            is_account = name.startswith("account:")
            if count >= (FAILURES_BY_ACCOUNT if is_account else FAILURES_BY_ADDRESS):
                raise TooManyAttempts(int((first - since).total_seconds()) + 1)


def _note_failure(services: Services, names: list[str]) -> None:
    now = services.now()
    with services.database.transaction() as tx:
        tx.add_all(SignInAttempt(name=name, created_at=now) for name in _kept(names))


def _kept(names: list[str]) -> list[str]:
    """Names as a database can hold them, whatever was typed."""
    return [name.replace("\0", "").encode("utf-8", "replace").decode()[:300] for name in names]
