"""What the platform asks about backups, below `/heroku-postgresql/kedge/resources/<id>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app

from kedge_addons.context import body, called
from kedge_addons.database import uuid_of
from kedge_addons.errors import Gone, Refused, Unknown
from kedge_addons.postgres.backups import downloads, shown
from kedge_addons.postgres.backups.rows import Kind, State, TransferRow
from kedge_addons.postgres.backups.transfers import Asked, title
from kedge_addons.resource import Resource
from kedge_addons.resource import State as ResourceState

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

Answer = dict[str, Any]
OWNER_LIMIT = 64


def blueprint(service: Postgres) -> Blueprint:
    """The calls. Backups of a destroyed database that rests can be looked at and downloaded."""
    routes = Blueprint("backups", __name__)
    routes.register_blueprint(_transfers(service))
    routes.register_blueprint(_begun(service))
    routes.register_blueprint(_schedules(service))
    return routes


def _transfers(service: Postgres) -> Blueprint:
    routes, transfers = Blueprint("transfers", __name__), service.backups.transfers

    @routes.get("/backups")
    def list_(resource_id: object) -> list[Answer]:
        """All transfers of a database, the newest first."""
        resource = _kept(service, resource_id)
        limits = service.plan_of(resource).limits
        return [shown.transfer(row, limits) for row in transfers.of(resource.id)]

    @routes.get("/backups/<uuid:transfer_id>")
    def info(resource_id: object, transfer_id: object) -> Answer:
        """One, with its log."""
        return _told(service, *_meant(service, resource_id, transfer_id))

    @routes.post("/backups/<uuid:transfer_id>/cancel")
    def cancel(resource_id: object, transfer_id: object) -> Answer:
        """End one that goes on."""
        resource, row = _meant(service, resource_id, transfer_id)
        return _told(service, resource, transfers.cancel(row.id))

    @routes.delete("/backups/<uuid:transfer_id>")
    def delete(resource_id: object, transfer_id: object) -> Answer:
        """Remove one, with what is kept of it."""
        resource, row = _meant(service, resource_id, transfer_id)
        return _told(service, resource, transfers.delete(row.id))

    @routes.post("/backups/<uuid:transfer_id>/link")
    def link(resource_id: object, transfer_id: object) -> tuple[Answer, int]:
        """A path anybody may download it by, for an hour."""
        _, row = _meant(service, resource_id, transfer_id)
        if row.kind != Kind.BACKUP or row.state != State.VERIFIED:
            raise Refused(f"{title(row)} is no backup that was verified.")
        path, expires_at = downloads.signed(current_app.extensions["keys"], row)
        return {"path": path, "expires_at": expires_at}, 201

    return routes


def _begun(service: Postgres) -> Blueprint:
    routes = Blueprint("begun", __name__)

    @routes.post("/backups")
    def capture(resource_id: object) -> tuple[Answer, int]:
        """Have a backup made."""
        resource = called(service.offer.name, resource_id)
        return _queued(service, resource, Kind.BACKUP, resource.name)

    @routes.post("/restores")
    def restore(resource_id: object) -> tuple[Answer, int]:
        """Have a backup put in the place of what is in the database."""
        resource = called(service.offer.name, resource_id)
        backup = service.backups.transfers.find(uuid_of(body().get("backup")))
        if backup.kind != Kind.BACKUP or backup.state != State.VERIFIED:
            raise Refused("Only a backup that was verified can be restored.")
        return _queued(service, resource, Kind.RESTORE, title(backup), backup.id)

    @routes.post("/copies")
    def copy(resource_id: object) -> tuple[Answer, int]:
        """Have what is in another database put in the place of what is in this one."""
        resource = called(service.offer.name, resource_id)
        source = called(service.offer.name, body().get("from"))
        if source.id == resource.id:
            raise Refused("A database cannot be copied onto itself.")
        return _queued(service, resource, Kind.COPY, source.name, source.id)

    return routes


def _schedules(service: Postgres) -> Blueprint:
    routes, schedules = Blueprint("schedules", __name__), service.backups.schedules

    @routes.get("/schedules")
    def list_(resource_id: object) -> list[Answer]:
        """When daily backups are made."""
        resource = called(service.offer.name, resource_id)
        rows = service.backups.transfers.of(resource.id)
        newest = next((row for row in rows if row.is_scheduled), None)
        return [shown.schedule(row, newest) for row in schedules.of(resource.id)]

    @routes.post("/schedules")
    def set_(resource_id: object) -> tuple[Answer, int]:
        """Have a backup made every day."""
        resource, asked = called(service.offer.name, resource_id), body()
        name, zone = str(asked.get("name") or "DATABASE_URL"), asked.get("timezone") or "UTC"
        made = schedules.set(resource, _owner(), name, asked.get("hour"), zone)
        return shown.schedule(made, None), 201

    @routes.delete("/schedules/<uuid:schedule_id>")
    def remove(resource_id: object, schedule_id: object) -> Answer:
        """Make no more by it."""
        resource = called(service.offer.name, resource_id)
        schedules.remove(resource.id, uuid_of(schedule_id))
        return {}

    return routes


def _queued(
    service: Postgres, resource: Resource, kind: Kind, from_name: str, source_id: Any = None
) -> tuple[Answer, int]:
    asked = Asked(kind=kind, resource_id=resource.id, owner=_owner(), from_name=from_name,
                  to_name=resource.name, source_id=source_id)  # fmt: skip
    row = service.backups.transfers.begin(asked)
    service.backups.runner.look()
    return _told(service, resource, row), 202


def _owner() -> str:
    """Among whose transfers it gets its number: the app."""
    owner = str(body().get("group") or "")
    if not owner or len(owner) > OWNER_LIMIT:
        raise Refused("group must be the id of the app.")
    return owner


def _kept(service: Postgres, resource_id: object) -> Resource:
    """A resource that is there, or rests. Raises Unknown, Gone."""
    found = uuid_of(resource_id)
    resource = service.tools.resources.get(found) if found else None
    if resource is None or resource.service != service.offer.name:
        raise Unknown("There is no such resource.")
    if resource.state in (ResourceState.REMOVED, ResourceState.FAILED):
        raise Gone(f"{resource.name} was removed.")
    return resource


def _meant(
    service: Postgres, resource_id: object, transfer_id: object
) -> tuple[Resource, TransferRow]:
    resource = _kept(service, resource_id)
    row = service.backups.transfers.find(uuid_of(transfer_id))
    if row.resource_id != resource.id:
        raise Unknown("There is no such backup, restore or copy.")
    return resource, row


def _told(service: Postgres, resource: Resource, row: TransferRow) -> Answer:
    return shown.transfer(row, service.plan_of(resource).limits, with_log=True)
