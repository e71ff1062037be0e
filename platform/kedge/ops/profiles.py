"""What people change of their own account: their name and the address they sign in by."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from kedge.errors import InvalidParams
from kedge.model.account import Account
from kedge.ops import sessions, users
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services

NAME_LIMIT = 200


def rename(services: Services, actor: Actor, name: str | None) -> Account:
    """Give the actor's account another name; None or nothing takes it away.

    Raises:
        InvalidParams: longer than a name may be.
    """
    chosen = (name or "").strip()
    if len(chosen) > NAME_LIMIT:
        raise InvalidParams(f"A name has at most {NAME_LIMIT} characters.")
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        account.name = chosen or None
        record(tx, actor, "account.rename")
        return account


def change_email(services: Services, actor: Actor, email: str, password: str | None) -> Account:
    """Give the actor's account another address. Who has a password shows it.

    Raises:
        InvalidParams: it is no address, or another account's.
        SignInRefused: the password is not right.
        TooManyAttempts: it was guessed at.
    """
    wanted = users.check_email(email)
    sessions.prove(services, actor, password or "")
    try:
        with services.database.transaction() as tx:
            account = tx.get_one(Account, actor.account_id, with_for_update=True)
            other = users.by_email(tx, wanted)
            if other is not None and other.id != account.id:
                raise InvalidParams(f"{wanted} has an account already.")
            record(tx, actor, "account.email", new=wanted)
            account.email = wanted
    except IntegrityError as error:  # two people took it at once
        raise InvalidParams(f"{wanted} has an account already.") from error
    return account
