"""Who works on an app besides its owner, and what they may do; handing an app to another owner."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as Transaction

from kedge.db import Transaction as Open
from kedge.errors import Forbidden, InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.collaborator import Collaborator, Transfer
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services
from kedge.ops.users import by_email

# What a collaborator of a personal app has on Heroku, where nobody says more.
USUAL = (Action.VIEW, Action.DEPLOY, Action.OPERATE)


def list_of_app(
    services: Services, actor: Actor, app_identity: str
) -> tuple[App, list[Collaborator]]:
    """An app (with its owner) and its collaborators, by e-mail."""  # fmt: skip
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Collaborator).where(Collaborator.app_id == app.id)
        found = tx.scalars(query)
        return app, sorted(found, key=lambda each: each.account.email)


def find(services: Services, actor: Actor, app_identity: str, identity: str) -> Collaborator:
    """A collaborator by e-mail or id. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return _of_app(tx, app, identity)


def add(
    services: Services,
    actor: Actor,
    app_identity: str,
    user: str,
    permissions: Iterable[str] | None = None,
) -> Collaborator:
    """Let somebody work on an app.

    Raises:
        Forbidden: the actor may not manage the app.
        NotFound: nobody has this e-mail or id.
        InvalidParams: they work on it already, own it, or a permission does not exist.
    """
    granted = check(permissions)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.MANAGE, lock=True)
        account = _account(tx, user)
        known = select(Collaborator).where(
            Collaborator.app_id == app.id, Collaborator.account_id == account.id
        )
        if account.id == app.owner_id or tx.scalar(known):
            raise InvalidParams(f"{account.email} has access to {app.name} already.")
        made = Collaborator(app_id=app.id, account_id=account.id, permissions=granted)
        tx.add(made)
        tx.flush()
        tx.refresh(made)
        _tell(services, tx, actor, app, "collaborator.create", account, granted)
        return made


def update(
    services: Services, actor: Actor, app_identity: str, identity: str, permissions: Iterable[str]
) -> Collaborator:
    """Give a collaborator other permissions. Raises as `add` does."""
    granted = check(permissions)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.MANAGE, lock=True)
        found = _of_app(tx, app, identity)
        found.permissions = granted
        _tell(services, tx, actor, app, "collaborator.update", found.account, granted)
        return found


def remove(services: Services, actor: Actor, app_identity: str, identity: str) -> Collaborator:
    """Take somebody's access away; everybody may give up their own.

    Raises:
        Forbidden: it is another's, and the actor may not manage the app.
        NotFound: they do not work on it.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW, lock=True)
        found = _of_app(tx, app, identity)
        if found.account_id != actor.account_id:
            find_app(tx, actor, app_identity, Action.MANAGE)
        tx.delete(found)
        _tell(services, tx, actor, app, "collaborator.destroy", found.account, [])
        return found


def check(permissions: Iterable[str] | None) -> list[str]:
    """Permissions in Heroku's order; view is part of any. Raises InvalidParams."""
    if permissions is None:
        return [str(action) for action in USUAL]
    wanted = {str(each) for each in permissions} | {str(Action.VIEW)}
    unknown = wanted - {str(action) for action in Action}
    if unknown:
        raise InvalidParams(
            f"There is no permission {min(unknown)[:40]!r}: there are {', '.join(Action)}."
        )
    return [str(action) for action in Action if str(action) in wanted]


# --- handing over ------------------------------------------------------------------------------


def offer(services: Services, actor: Actor, app_identity: str, recipient: str) -> Transfer:
    """Offer an app to another owner, who has to accept it. Only its owner may.

    Raises:
        Forbidden: the actor does not own it.
        InvalidParams: the recipient owns it, or another offer is open.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.MANAGE, lock=True)
        if app.owner_id != actor.account_id and not actor.is_owner:
            raise Forbidden(f"Only {app.owner.email} may transfer {app.name}.")
        account = _account(tx, recipient)
        if account.id == app.owner_id:
            raise InvalidParams(f"{account.email} owns {app.name} already.")
        opened = select(Transfer).where(Transfer.app_id == app.id, Transfer.state == "pending")
        if tx.scalar(opened):
            raise InvalidParams(f"{app.name} is being transferred already. Withdraw that first.")
        made = Transfer(app_id=app.id, owner_id=app.owner_id, recipient_id=account.id)
        tx.add(made)
        tx.flush()
        tx.refresh(made)
        record(tx, actor, "app_transfer.create", app, recipient=account.email)
        return made


def open_offer(services: Services, actor: Actor, app_identity: str) -> Transfer | None:
    """The offer of an app that has not been answered yet."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return tx.scalar(
            select(Transfer).where(Transfer.app_id == app.id, Transfer.state == "pending")
        )


def list_transfers(services: Services, actor: Actor) -> list[Transfer]:
    """The transfers from and to the actor, newest first."""
    mine = or_(Transfer.owner_id == actor.account_id, Transfer.recipient_id == actor.account_id)
    with services.database.transaction() as tx:
        return list(tx.scalars(select(Transfer).where(mine).order_by(Transfer.created_at.desc())))


def find_transfer(services: Services, actor: Actor, identity: str) -> Transfer:
    """A transfer by id or by its app's name. Raises NotFound."""
    with services.database.transaction() as tx:
        return _transfer(tx, actor, identity)


def answer(services: Services, actor: Actor, identity: str, state: str) -> Transfer:
    """Accept or decline an app one was offered.

    Raises:
        Forbidden: it was offered to somebody else.
        InvalidParams: it is not open any more, or the answer is neither.
    """
    if state not in ("accepted", "declined"):
        raise InvalidParams("state must be accepted or declined.")
    with services.database.transaction() as tx:
        found = _transfer(tx, actor, identity)
        if found.recipient_id != actor.account_id:
            raise Forbidden(f"Only {found.recipient.email} may answer this.")
        app = tx.scalars(select(App).where(App.id == found.app_id).with_for_update(of=App)).one()
        tx.refresh(found)  # two answers at once: the second sees what the first made of it
        if found.state != "pending":
            raise InvalidParams(f"This transfer was {found.state} already.")
        found.state = state
        if state == "accepted":
            _hand_over(tx, app, found)
        record(tx, actor, f"app_transfer.{state}", app, owner=found.owner.email)
        return found


def withdraw(services: Services, actor: Actor, identity: str) -> Transfer:
    """Take an offer back. Raises Forbidden or InvalidParams."""
    with services.database.transaction() as tx:
        found = _transfer(tx, actor, identity)
        if found.owner_id != actor.account_id and not actor.is_owner:
            raise Forbidden(f"Only {found.owner.email} may withdraw this.")
        if found.state != "pending":
            raise InvalidParams(f"This transfer was {found.state} already.")
        tx.delete(found)
        record(tx, actor, "app_transfer.destroy", found.app)
        return found


def _hand_over(tx: Transaction, app: App, transfer: Transfer) -> None:
    """The recipient owns the app; who owned it goes on working on it."""
    for each in tx.scalars(select(Collaborator).where(Collaborator.app_id == app.id)):
        if each.account_id in (transfer.recipient_id, transfer.owner_id):
            tx.delete(each)
    app.owner_id = transfer.recipient_id
    tx.flush()
    usual = [str(action) for action in USUAL]
    tx.add(Collaborator(app_id=app.id, account_id=transfer.owner_id, permissions=usual))


def _transfer(tx: Transaction, actor: Actor, identity: str) -> Transfer:
    wanted = as_uuid(identity)
    named = select(App.id).where(App.name == identity).scalar_subquery()
    by_app = (Transfer.app_id == named) & (Transfer.state == "pending")
    found = tx.get(Transfer, wanted) if wanted else tx.scalar(select(Transfer).where(by_app))
    if found is None or not (
        actor.is_owner or actor.account_id in (found.owner_id, found.recipient_id)
    ):
        raise NotFound.of("app_transfer")
    return found


def _of_app(tx: Transaction, app: App, identity: str) -> Collaborator:
    wanted = as_uuid(identity)
    query = select(Collaborator).where(Collaborator.app_id == app.id)
    for each in tx.scalars(query):
        if wanted in (each.id, each.account_id) or each.account.email == identity.strip():
            return each
    raise NotFound.of("collaborator")


def _account(tx: Transaction, user: str) -> Account:
    wanted = as_uuid(user)
    found = tx.get(Account, wanted) if wanted else by_email(tx, user)
    if found is None or found.suspended_at:
        raise NotFound.of(
            "user", f"{user[:100]} has no account here. An owner can invite them: "
            "`kedge users:invite`."
        )  # fmt: skip
    return found


def _tell(
    services: Services,
    tx: Open,
    actor: Actor,
    app: App,
    action: str,
    account: Account,
    granted: list[str],
) -> None:
    record(tx, actor, action, app, email=account.email, permissions=granted)
    words = f"{account.email} may {', '.join(granted)}" if granted else f"{account.email} has left"
    services.say(tx, app.id, f"{words}: by user {actor.email}")
