"""Backups of Postgres databases: captured, restored, copied, scheduled and downloaded.

The provider makes and keeps them (a backup is green only after it restored one); here it is decided
who may. Numbers (b001, r002) count per app, as on Heroku: the app's id is the `group`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kedge.errors import InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.addon import Addon, AddonService, Attachment, Plan, State
from kedge.model.app import App
from kedge.model.event import Event
from kedge.ops import attached, builtin_addons, databases
from kedge.ops.authorize import Action, Actor, find_app, record, visible_to
from kedge.ops.databases import POSTGRES, Deed, as_list, as_object
from kedge.ops.services import Services

CAPTURE = Deed("backup.capture", "Capture a backup of")
RESTORE = Deed("backup.restore", "Restore a backup to")
COPY = Deed("backup.copy", "Copy a database to")
CANCEL = Deed("backup.cancel", "Cancel a transfer of")
DELETE = Deed("backup.delete", "Delete a backup of")
LINK = Deed("backup.download", "Make a download address for a backup of")
SCHEDULE = Deed("backup.schedule", "Schedule daily backups of")
UNSCHEDULE = Deed("backup.unschedule", "Stop daily backups of")
SUCCEEDED = frozenset({"verified", "succeeded"})
FINISHED = SUCCEEDED | {"failed", "canceled"}
KEPT = (State.PROVISIONED, State.RESTING)
SCHEME = "kedge:"
ALERT_LIMIT = 500
ALERT_AGE, ALERTS = timedelta(days=14), 10


@dataclass(frozen=True, slots=True)
class Transfer:
    """A backup, restore or copy, with the database it belongs to. `told` is the provider's."""

    addon: Addon
    told: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Its number in its app: the 7 of b007."""
        return int(self.told.get("num") or 0)

    @property
    def address(self) -> str:
        """What names it to whoever restores it: no address one can download from."""
        return f"{SCHEME}{self.addon.id}/{self.told.get('id')}"

    @property
    def state(self) -> str:
        """How far it is."""
        return str(self.told.get("state"))


def list_of_app(services: Services, actor: Actor, app_identity: str) -> list[Transfer]:
    """The transfers of all databases of an app, newest first; of destroyed ones that rest too."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Addon).join(Plan, Plan.id == Addon.plan_id).join(AddonService)
        query = query.where(Addon.app_id == app.id, AddonService.name == POSTGRES)
        query = query.where(AddonService.is_builtin, Addon.provider_id.is_not(None))
        kept = list(tx.scalars(query.where(Addon.state.in_(KEPT))))
    found = [each for addon in kept for each in _of(services, addon)]
    return sorted(found, key=lambda each: str(each.told.get("created_at")), reverse=True)


def list_of_database(services: Services, actor: Actor, identity: str) -> list[Transfer]:
    """The transfers of one database, newest first."""
    return _of(services, databases.find(services, actor, identity, POSTGRES))


def find(services: Services, actor: Actor, app_identity: str, identity: str) -> Transfer:
    """A transfer by number or id, with its `log`. Raises NotFound."""
    found = _meant(services, actor, app_identity, identity)
    path = f"/backups/{found.told.get('id')}"
    told = as_object(found.addon, builtin_addons.ask(services, found.addon, "GET", path))
    return Transfer(found.addon, told)


def capture(services: Services, actor: Actor, identity: str) -> Transfer:
    """Have a backup made. It is queued: look at it again to see it end."""
    return _begin(services, actor, identity, CAPTURE, "/backups", {})


def restore(services: Services, actor: Actor, identity: str, address: str) -> Transfer:
    """Replace what is in a database by a backup, of this database or of another.

    Args:
        services: as everywhere.
        actor: who asks; they must be able to operate both apps.
        identity: the database to restore to.
        address: the backup, by its `address`.

    Raises:
        NotFound: the actor sees no such backup.
        InvalidParams: it did not succeed, or the address is none of this platform's.
    """
    databases.find(services, actor, identity, POSTGRES, Action.OPERATE)
    found = _at(services, actor, address)
    if found.told.get("kind") != "backup" or found.state not in SUCCEEDED:
        raise InvalidParams("Only a backup that succeeded can be restored.")
    body = {"backup": str(found.told["id"])}
    return _begin(services, actor, identity, RESTORE, "/restores", body)


def copy(services: Services, actor: Actor, identity: str, source_identity: str) -> Transfer:
    """Replace what is in a database by what is in another one.

    Raises:
        InvalidParams: onto itself.
    """
    target = databases.find(services, actor, identity, POSTGRES, Action.OPERATE)
    source = databases.find(services, actor, source_identity, POSTGRES, Action.OPERATE)
    if source.id == target.id:
        raise InvalidParams("A database cannot be copied onto itself.")
    body = {"from": str(source.provider_id)}
    return _begin(services, actor, identity, COPY, "/copies", body, source=source.name)


def source_of_url(services: Services, actor: Actor, url: str) -> Addon:
    """The Postgres database whose URL somebody shows, of those whose config they may read.

    Heroku's command line names the source of a copy so. Raises InvalidParams.
    """
    with services.database.transaction() as tx:
        query = select(Attachment).options(joinedload(Attachment.app))
        query = query.join(Addon).join(Plan).join(AddonService)
        query = query.where(AddonService.name == POSTGRES, Addon.state == State.PROVISIONED)
        query = query.where(Attachment.app_id.in_(select(App.id).where(*visible_to(actor))))
        for each in tx.scalars(query):
            if url in attached.config_of(services, each).values():
                find_app(tx, actor, each.app_id, Action.DEPLOY)
                return each.addon
    raise InvalidParams("Only databases of this platform can be copied: name both by attachment.")


def cancel(services: Services, actor: Actor, app_identity: str, identity: str) -> Transfer:
    """End a transfer that goes on. Raises ProviderRefused: it has ended."""
    return _change(services, actor, app_identity, identity, CANCEL, "POST", "/cancel")


def delete(services: Services, actor: Actor, app_identity: str, identity: str) -> Transfer:
    """Remove a backup for good. Raises ProviderRefused: it is still being made."""
    return _change(services, actor, app_identity, identity, DELETE, "DELETE", "")


def link(services: Services, actor: Actor, app_identity: str, identity: str) -> tuple[str, str]:
    """A path anybody can download a backup by for some minutes, and until when."""
    found = _meant(services, actor, app_identity, identity, Action.OPERATE)
    path = f"/backups/{found.told['id']}/link"
    told = as_object(found.addon, builtin_addons.ask(services, found.addon, "POST", path, {}))
    databases.note(services, actor, found.addon, LINK, number=found.number)
    return str(told.get("path")), str(told.get("expires_at"))


def schedules(services: Services, actor: Actor, identity: str) -> list[Mapping[str, Any]]:
    """When daily backups of a database are made."""
    addon = databases.find(services, actor, identity, POSTGRES)
    return as_list(addon, builtin_addons.ask(services, addon, "GET", "/schedules"))


def schedule(
    services: Services, actor: Actor, identity: str, name: str, hour: int, timezone: str
) -> Mapping[str, Any]:
    """Have a backup made every day at that hour.

    Raises:
        ProviderRefused: there is no such time zone.
    """
    addon = databases.find(services, actor, identity, POSTGRES, Action.OPERATE)
    body = {"group": str(addon.app_id), "name": name, "hour": hour, "timezone": timezone}
    told = as_object(addon, builtin_addons.ask(services, addon, "POST", "/schedules", body))
    databases.note(services, actor, addon, SCHEDULE, hour=hour, timezone=timezone)
    return told


def unschedule(services: Services, actor: Actor, identity: str, schedule_id: str) -> None:
    """Make no more backups by that schedule. Those made stay."""
    addon = databases.find(services, actor, identity, POSTGRES, Action.OPERATE)
    known = as_uuid(schedule_id)
    if known is None:
        raise NotFound.of("schedule", "There is no such schedule of backups.")
    builtin_addons.ask(services, addon, "DELETE", f"/schedules/{known}")
    databases.note(services, actor, addon, UNSCHEDULE)


def alert(services: Services, addon: Addon, message: str, kind: str) -> None:
    """What the provider has to say that somebody must see: an event and a line in the app's log."""
    words = message[:ALERT_LIMIT]
    with services.database.transaction() as tx:
        app = tx.get_one(Addon, addon.id).app
        if app is None:
            return
        provider = Actor(uuid.UUID(int=0), addon.service.name, is_owner=False)
        record(tx, provider, "addon.alert", app, addon=addon.name, kind=kind, message=words)
        services.say(tx, app.id, f"Alert of {addon.name}: {words}")


def alerts(services: Services, actor: Actor, addon: Addon) -> list[Event]:
    """What its provider had to say of a database lately, the newest first."""
    databases.require(services, actor, addon, Action.VIEW)
    query = select(Event).where(Event.app_id == addon.app_id, Event.action == "addon.alert")
    query = query.where(Event.details["addon"].astext == addon.name)
    query = query.where(Event.created_at > services.now() - ALERT_AGE)
    with services.database.transaction() as tx:
        return list(tx.scalars(query.order_by(Event.id.desc()).limit(ALERTS)))


def _begin(
    services: Services,
    actor: Actor,
    identity: str,
    deed: Deed,
    path: str,
    body: Mapping[str, object],
    **details: object,
) -> Transfer:
    addon = databases.find(services, actor, identity, POSTGRES, Action.OPERATE)
    whole = {"group": str(addon.app_id), **body}
    told = as_object(addon, builtin_addons.ask(services, addon, "POST", path, whole))
    databases.note(services, actor, addon, deed, number=told.get("num"), **details)
    return Transfer(addon, told)


def _change(
    services: Services,
    actor: Actor,
    app_identity: str,
    identity: str,
    deed: Deed,
    method: str,
    ending: str,
) -> Transfer:
    found = _meant(services, actor, app_identity, identity, Action.OPERATE)
    path = f"/backups/{found.told['id']}{ending}"
    told = builtin_addons.ask(services, found.addon, method, path, {} if method == "POST" else None)
    databases.note(services, actor, found.addon, deed, number=found.number)
    return Transfer(found.addon, told if isinstance(told, dict) else found.told)


def _meant(
    services: Services,
    actor: Actor,
    app_identity: str,
    identity: str,
    action: Action = Action.VIEW,
) -> Transfer:
    """A transfer of an app by number or id, when the actor may do this to the app."""
    with services.database.transaction() as tx:
        find_app(tx, actor, app_identity, action)
    for each in list_of_app(services, actor, app_identity):
        if identity in (str(each.number), str(each.told.get("id"))):
            return each
    raise _no_such(identity)


def _at(services: Services, actor: Actor, address: str) -> Transfer:
    """The backup at an address, when the actor may operate its app."""
    addon_id, _, backup_id = address.removeprefix(SCHEME).partition("/")
    known = as_uuid(addon_id)
    if not address.startswith(SCHEME) or known is None:
        raise InvalidParams(
            "Only backups of this platform can be restored. To bring in a dump from elsewhere: "
            "`pg_restore --no-owner --file=- FILE | kedge pg:psql`."
        )
    with services.database.transaction() as tx:
        addon = tx.get(Addon, known)
        if addon is None or addon.app_id is None or addon.state not in KEPT:
            raise _no_such(backup_id)
        find_app(tx, actor, addon.app_id, Action.OPERATE)
    for each in _of(services, addon):
        if str(each.told.get("id")) == backup_id:
            return each
    raise _no_such(backup_id)


def _no_such(identity: str) -> NotFound:
    words = f"There is no backup {identity[:60]}. `kedge pg:backups` lists them."
    return NotFound.of("transfer", words)


def _of(services: Services, addon: Addon) -> list[Transfer]:
    told = as_list(addon, builtin_addons.ask(services, addon, "GET", "/backups"))
    return [Transfer(addon, each) for each in told]
