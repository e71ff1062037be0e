"""The people of an installation: invited by its owners, suspended, removed."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session as Transaction

from kedge.errors import Conflict, InvalidParams, NotFound, Unauthorized
from kedge.ids import as_uuid
from kedge.model.account import Account, Authorization, token_digest
from kedge.model.app import App
from kedge.model.build import Build
from kedge.model.release import Release
from kedge.model.session import Invitation, Session
from kedge.ops import passwords
from kedge.ops.authorize import Actor, record, require_owner
from kedge.ops.services import Services
from kedge.ops.sessions import Client, open_session

INVITED = timedelta(days=7)
EMAIL = re.compile(r"[^@\s\0\ud800-\udfff]{1,64}@[^@\s\0\ud800-\udfff]{1,189}")


def list_users(services: Services, actor: Actor) -> list[Account]:
    """Everybody, by e-mail. Raises Forbidden."""
    require_owner(actor)
    with services.database.transaction() as tx:
        return list(tx.scalars(select(Account).order_by(Account.email)))


def find(services: Services, actor: Actor, identity: str) -> Account:
    """Somebody by e-mail or id. Raises Forbidden or NotFound."""
    require_owner(actor)
    with services.database.transaction() as tx:
        return _find(tx, identity)


def list_invitations(services: Services, actor: Actor) -> list[Invitation]:
    """Those who have been invited and have not come yet. Raises Forbidden."""
    require_owner(actor)
    with services.database.transaction() as tx:
        return list(tx.scalars(select(Invitation).order_by(Invitation.email)))


def invite(
    services: Services, actor: Actor, email: str, *, is_owner: bool = False
) -> tuple[Invitation, str]:
    """Invite somebody; the invitation, and the token of its link, which is shown only here.

    Inviting somebody again makes another link in place of the first.

    Raises:
        Forbidden: not an owner of the installation.
        InvalidParams: not an e-mail address.
        Conflict: there is an account of this address.
    """
    require_owner(actor)
    address = check_email(email)
    token = secrets.token_urlsafe(32)
    with services.database.transaction() as tx:
        if by_email(tx, address):
            raise Conflict(f"{address} has an account already.")
        tx.execute(delete(Invitation).where(func.lower(Invitation.email) == address.lower()))
        made = Invitation(
            email=address,
            is_owner=is_owner,
            invited_by_id=actor.account_id,
            token_sha256=token_digest(token),
            expires_at=services.now() + INVITED,
        )
        tx.add(made)
        tx.flush()
        tx.refresh(made)
        record(tx, actor, "invitation.create", email=address, is_owner=is_owner)
        return made, token


def find_invitation(services: Services, token: str) -> Invitation:
    """The invitation behind a link. Raises Unauthorized: unknown, used or expired."""
    with services.database.transaction() as tx:
        return _invitation(services, tx, token)


def accept(services: Services, token: str, name: str, password: str, client: Client) -> str:
    """Become a user by an invitation, which is spent by it; the token of a first session.

    Raises:
        Unauthorized: the link is unknown, used or expired.
        InvalidParams: the password may not be used.
    """
    with services.database.transaction() as tx:
        found = _invitation(services, tx, token)
        passwords.check(password, found.email)
        account = Account(
            email=found.email,
            name=name.replace("\0", "").strip()[:200] or None,
            is_owner=found.is_owner,
            password=passwords.hashed(password),
        )
        tx.delete(found)
        tx.add(account)
        tx.flush()
        who = Actor(account.id, account.email, account.is_owner)
        record(tx, who, "account.create", invited_by=found.invited_by.email)
        return open_session(services, tx, account, client)


def withdraw(services: Services, actor: Actor, email: str) -> None:
    """Take an invitation back. Raises Forbidden or NotFound."""
    require_owner(actor)
    with services.database.transaction() as tx:
        found = tx.scalar(select(Invitation).where(func.lower(Invitation.email) == email.lower()))
        if found is None:
            raise NotFound.of("invitation")
        tx.delete(found)
        record(tx, actor, "invitation.destroy", email=found.email)


def suspend(services: Services, actor: Actor, identity: str, *, on: bool = True) -> Account:
    """Keep somebody out, or let them in again. Their sessions end, their apps go on.

    Raises:
        Forbidden: not an owner of the installation.
        InvalidParams: it is the actor themselves.
    """
    require_owner(actor)
    with services.database.transaction() as tx:
        account = _other(tx, actor, identity)
        account.suspended_at = services.now() if on else None
        tx.execute(delete(Session).where(Session.account_id == account.id))
        record(tx, actor, "account.suspend", email=account.email, on=on)
        return account


def make_owner(services: Services, actor: Actor, identity: str, *, on: bool = True) -> Account:
    """Make somebody an owner of the installation, or no longer. Raises as `suspend` does."""
    require_owner(actor)
    with services.database.transaction() as tx:
        account = _other(tx, actor, identity)
        account.is_owner = on
        record(tx, actor, "account.owner", email=account.email, on=on)
        return account


def remove(services: Services, actor: Actor, identity: str) -> Account:
    """Remove an account. What it made keeps its name: one that made anything is suspended instead.

    Raises:
        Forbidden, InvalidParams: as `suspend` does.
        Conflict: it owns apps, or made releases, which must keep their author.
    """
    require_owner(actor)
    with services.database.transaction() as tx:
        account = _other(tx, actor, identity)
        owns = list(tx.scalars(select(App.name).where(App.owner_id == account.id).limit(3)))
        if owns:
            raise Conflict(
                f"{account.email} owns {', '.join(owns)}. Transfer these apps first, or suspend "
                "the account."
            )
        made = exists().where(Release.user_id == account.id)
        built = exists().where(Build.user_id == account.id)
        if tx.scalar(select(or_(made, built))):
            raise Conflict(
                f"{account.email} made releases, which keep their author. Suspend the account."
            )
        tx.execute(delete(Authorization).where(Authorization.account_id == account.id))
        tx.delete(account)
        record(tx, actor, "account.destroy", email=account.email)
        return account


def by_email(tx: Transaction, email: str) -> Account | None:
    """The account of an address, whatever its case."""
    wanted = email.strip().lower()
    if not EMAIL.fullmatch(wanted):
        return None
    return tx.scalar(select(Account).where(func.lower(Account.email) == wanted))


def check_email(email: object) -> str:
    """The address, when it can be one. Raises InvalidParams."""
    if not isinstance(email, str) or not EMAIL.fullmatch(email.strip()):
        raise InvalidParams("That is not an e-mail address: name@example.com.")
    return email.strip()


def _other(tx: Transaction, actor: Actor, identity: str) -> Account:
    found = _find(tx, identity)
    if found.id == actor.account_id:
        raise InvalidParams("That is your own account. Another owner has to do that.")
    return found


def _find(tx: Transaction, identity: str) -> Account:
    wanted = as_uuid(identity)
    found = tx.get(Account, wanted) if wanted else by_email(tx, identity)
    if found is None:
        raise NotFound.of("user")
    return found


def _invitation(services: Services, tx: Transaction, token: str) -> Invitation:
    query = select(Invitation).where(Invitation.token_sha256 == token_digest(token))
    found = tx.scalar(query.with_for_update(of=Invitation))
    if found is None or found.expires_at <= services.now():
        raise Unauthorized(
            "This invitation has been used or withdrawn, or is older than a week. "
            "Ask for another one."
        )
    return found
