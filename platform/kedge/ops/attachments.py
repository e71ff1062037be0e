"""Attachments: an add-on's config vars in an app. Each change is a release of that app."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager

from kedge.db import Transaction
from kedge.errors import Conflict, InvalidParams, NotFound, Unconfirmed
from kedge.ids import as_uuid
from kedge.model.addon import ALIVE, Addon, AddonService, Attachment, State
from kedge.model.app import App
from kedge.ops import addon_directory, attached, attachment_releases, releases
from kedge.ops.authorize import Action, Actor, find_app, record, visible_to
from kedge.ops.services import Services
from kedge.plan import addons as plan


def attach(
    services: Services,
    actor: Actor,
    addon_identity: str,
    app_identity: str,
    name: str | None = None,
    *,
    confirm: str | None = None,
) -> Attachment:
    """Attach an add-on to a further app, or to its own once more under another name.

    Args:
        services: as everywhere.
        actor: as everywhere.
        addon_identity: the add-on, by name or id; or as the app has it already, by that name.
        app_identity: the app that is to have it.
        name: what its config vars begin with there.
        confirm: the app's name: what is attached under this name makes room, in one release.

    Raises:
        NotFound: no such add-on or app.
        Unconfirmed: another add-on is attached under this name.
        InvalidParams: the name may not be, or would hide a config var.
        Conflict: the add-on is not there yet; or what would make room is attached nowhere else.
    """
    with services.database.transaction() as tx:
        addon = addon_directory.one(tx, actor, addon_identity, Action.OPERATE, app_identity)
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        former = _former(tx, app, name)
        ids = {addon.id, former.addon_id} if former else {addon.id}
        for each in sorted(ids):  # after the app, as `hold` does: see there
            tx.lock(Addon, each)
        if addon.state != State.PROVISIONED:
            raise addon_directory.not_there(addon)
        if former:
            _make_room(tx, actor, app, former, is_confirmed=confirm in (app.name, str(app.id)))
        made = reserve(services, tx, app, addon, name)
        tx.refresh(made)
        record(tx, actor, "attachment.create", app, attachment=made.name, addon=addon.name)
        attachment_releases.renew(
            services, tx, actor, app, f"Attach {made.name} (@ref:{addon.name})"
        )
        return made


def detach(
    services: Services, actor: Actor, identity: str, app_identity: str | None = None
) -> Attachment:
    """Take an add-on's config vars from an app. The add-on stays.

    Raises:
        NotFound: no such attachment.
        Conflict: it is the only one of its add-on, which would be lost sight of.
    """  # fmt: skip
    with services.database.transaction() as tx:
        found = _of(tx, actor, identity, app_identity)
        app = find_app(tx, actor, found.app_id, Action.OPERATE, lock=True)
        tx.lock(Addon, found.addon_id)
        if tx.scalar(select(Attachment.id).where(Attachment.id == found.id)) is None:
            raise _no_such(identity)  # somebody else has just detached it
        if not _others(tx, found):
            raise Conflict(
                f"{found.name} is the only attachment of {found.addon.name}. Destroy the add-on "
                f"instead: `kedge addons:destroy {found.addon.name}`."
            )
        tx.delete(found)
        tx.flush()
        record(tx, actor, "attachment.destroy", app, attachment=found.name, addon=found.addon.name)
        attachment_releases.renew(
            services, tx, actor, app, f"Detach {found.name} (@ref:{found.addon.name})"
        )
        return found


def reserve(
    services: Services, tx: Transaction, app: App, addon: Addon, name: str | None
) -> Attachment:
    """A new attachment, under a name of its own where none was asked for.

    The caller holds the app's lock. Raises InvalidParams: the name may not be, or is taken.
    """
    taken = set(tx.scalars(select(Attachment.name).where(Attachment.app_id == app.id)))
    keys = set(attached.effective(services, tx, app, releases.newest(tx, app)))
    service = addon.service
    if name:
        chosen = plan.check_attachment_name(name)
    else:
        chosen = plan.attachment_name(service.prefix, service.primary_name, taken, keys)
    _check_free(chosen, service, taken, keys)
    made = Attachment(name=chosen, addon_id=addon.id, app_id=app.id)
    tx.add(made)
    tx.flush()
    return made


def _former(tx: Session, app: App, name: str | None) -> Attachment | None:
    """What is attached to an app under a name that was asked for."""
    if not name:
        return None
    chosen = plan.check_attachment_name(name)
    query = select(Attachment).where(Attachment.app_id == app.id, Attachment.name == chosen)
    return tx.scalar(query)


def _make_room(
    tx: Session, actor: Actor, app: App, former: Attachment, *, is_confirmed: bool
) -> None:
    """Take an attachment away whose name another is to have. The caller holds both add-ons."""
    addon = former.addon
    if not is_confirmed:
        raise Unconfirmed(
            f"{addon.name} is attached as {former.name}. Choose another name, or confirm with "
            f"the app's name, {app.name}, that this one takes its place.",
            resource="attachment",
        )
    if not _others(tx, former):
        raise Conflict(
            f"{former.name} is the only attachment of {addon.name}. Attach that under another "
            f"name first: `kedge addons:attach {addon.name} -a {app.name} --as OTHER`."
        )
    record(tx, actor, "attachment.destroy", app, attachment=former.name, addon=addon.name)
    tx.delete(former)
    tx.flush()


def _others(tx: Session, attachment: Attachment) -> list[Attachment]:
    """Its add-on's other attachments."""
    return [each for each in attached.of_addon(tx, attachment.addon) if each.id != attachment.id]


def _check_free(
    name: str, service: AddonService, taken: Collection[str], keys: Collection[str]
) -> None:
    """Raises InvalidParams when an attachment's name is taken, or would hide a config var."""
    if name in taken:
        raise InvalidParams(f"There is an attachment called {name} already. Choose another name.")
    wanted = plan.vars_of(service.prefix, name, dict.fromkeys(service.config_vars, ""))
    hidden = sorted(wanted.keys() & set(keys))
    if hidden:
        raise InvalidParams(
            f"The app has a config var {hidden[0]} of its own. Unset it first, or attach the "
            "add-on under another name."
        )


def list_of_app(services: Services, actor: Actor, app_identity: str) -> list[Attachment]:
    """The attachments of an app, by name."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Attachment).join(Attachment.addon).options(contains_eager(Attachment.addon))
        mine = query.where(Attachment.app_id == app.id, Addon.state.in_(ALIVE))
        return list(tx.scalars(mine.order_by(Attachment.name)))


def list_all(services: Services, actor: Actor) -> list[Attachment]:
    """The attachments of all apps the actor sees."""
    query = _of_apps().where(*visible_to(actor))
    with services.database.transaction() as tx:
        return list(tx.scalars(query.order_by(App.name, Attachment.name)))


def list_of_addon(services: Services, actor: Actor, addon_identity: str) -> list[Attachment]:
    """Where an add-on is attached, as far as the actor sees the apps."""
    with services.database.transaction() as tx:
        addon = addon_directory.one(tx, actor, addon_identity, Action.VIEW)
        query = select(Attachment).join(Attachment.app).options(contains_eager(Attachment.app))
        return list(tx.scalars(query.where(Attachment.addon_id == addon.id, *visible_to(actor))))


def find(
    services: Services, actor: Actor, identity: str, app_identity: str | None = None
) -> Attachment:
    """An attachment by id, or of an app by name. Raises NotFound."""
    with services.database.transaction() as tx:
        return _of(tx, actor, identity, app_identity)


def resolve(
    services: Services, actor: Actor, identity: str, app_identity: str | None
) -> list[Attachment]:
    """The attachments a person may mean: by NAME, NAME_URL, or their add-on's name or id.

    Raises:
        NotFound: none.
    """
    if "::" in identity:
        app_identity, _, identity = identity.partition("::")
    with services.database.transaction() as tx:
        query = _of_apps().where(*visible_to(actor))
        if app_identity:
            app = find_app(tx, actor, app_identity, Action.VIEW)
            query = query.where(Attachment.app_id == app.id)
        found = [each for each in tx.scalars(query) if _is_meant(each, identity)]
    if not found:
        raise _no_such(identity)
    return found


def _of_apps() -> Select[Attachment]:
    """Attachments with the app each is of; an add-on's own app is another one."""
    query = select(Attachment).join(Attachment.app).options(contains_eager(Attachment.app))
    return query.join(Addon, Addon.id == Attachment.addon_id).where(Addon.state.in_(ALIVE))


def _is_meant(attachment: Attachment, identity: str) -> bool:
    addon = attachment.addon
    name = identity.upper().removesuffix("_URL")
    return attachment.name in (identity, name) or identity in (
        str(attachment.id), addon.name, str(addon.id),
    )  # fmt: skip


def _of(tx: Session, actor: Actor, identity: str, app_identity: str | None) -> Attachment:
    wanted = as_uuid(identity)
    query = select(Attachment)
    if app_identity:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        by_name = query.where(Attachment.app_id == app.id, Attachment.name == identity.upper())
        found = tx.scalar(query.where(Attachment.id == wanted) if wanted else by_name)
        if found is not None and found.app_id != app.id:
            found = None
    else:
        found = tx.get(Attachment, wanted) if wanted else None
    if found is None:
        raise _no_such(identity)
    find_app(tx, actor, found.app_id, Action.VIEW)
    return found


def _no_such(identity: str) -> NotFound:
    return NotFound.of("attachment", f"Couldn't find that attachment: {identity[:100]}.")
