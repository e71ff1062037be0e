"""Passwords: argon2id hashes (RFC 9106), as long as they are worth guessing at."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete

from kedge.errors import InvalidParams, SignInRefused
from kedge.model.account import Account
from kedge.model.session import Session
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services

SHORTEST = 12
LONGEST = 1000  # a hash of megabytes would be a way to keep the server busy
_HASHER = PasswordHasher()


def set_password(services: Services, actor: Actor, new: str, current: str | None = None) -> None:
    """Give the actor's account another password, and end its other sessions.

    Who has one shows it, unless they came by a one-time link and have not.

    Raises:
        InvalidParams: too short, too long, or the e-mail itself.
        SignInRefused: `current` is not the one they have.
    """
    check(new, actor.email)
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        if account.password is not None and not is_right(account, current or ""):
            raise SignInRefused("Your current password is not right.")
        account.password = hashed(new)
        others = delete(Session).where(Session.account_id == account.id)
        if actor.session_id:
            others = others.where(Session.id != actor.session_id)
        tx.execute(others)
        record(tx, actor, "account.password")


def check(password: str, email: str) -> None:
    """Raises InvalidParams, with what to do, when a password may not be used."""
    if len(password) < SHORTEST:
        raise InvalidParams(f"Use at least {SHORTEST} characters: a few words are easy to keep.")
    if len(password) > LONGEST or "\0" in password:
        raise InvalidParams(f"Use at most {LONGEST} characters, and none that is NUL.")
    if password.lower() == email.lower():
        raise InvalidParams("Use something else than your e-mail address.")


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def is_right(account: Account | None, password: str) -> bool:
    """Whether it is the account's password.

    It takes as long without an account, or with one that has none: the time tells nothing.
    """
    kept = account.password if account is not None and account.password else _nobodys()
    try:
        _HASHER.verify(kept, password[: LONGEST + 1].encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return account is not None and account.password is not None


@cache
def _nobodys() -> str:
    """A hash to compare with where there is none."""
    return hashed("no account has this password, for none may have a NUL \0 in it")
