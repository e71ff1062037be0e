"""Backups of Postgres databases, as Heroku's data API has them: transfers, and their schedules."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams
from kedge.model.tables import Json
from kedge.ops import backups
from kedge.ops.backups import FINISHED, SUCCEEDED, Transfer
from kedge.ops.databases import Told

routes = Blueprint("backups", __name__)
# What a transfer is from and to, in the words of Heroku's command line (lib/pg/backups).
TYPES = {
    "backup": ("pg_dump", "gof3r"),
    "restore": ("gof3r", "pg_restore"),
    "copy": ("pg_dump", "pg_restore"),
}


def shown(transfer: Transfer) -> Json:
    """A transfer in Heroku's shape; `kedge` is the provider's own account of it."""
    told = transfer.told
    kind = str(told.get("kind"))
    from_type, to_type = TYPES.get(kind, TYPES["backup"])
    is_finished = transfer.state in FINISHED
    return {
        "uuid": told.get("id"),
        "num": transfer.number,
        "from_type": from_type,
        "to_type": to_type,
        "from_name": told.get("from_name"),
        "to_name": told.get("to_name"),
        "to_url": transfer.address,
        "addon": {"id": str(transfer.addon.id), "name": transfer.addon.name},
        "created_at": told.get("created_at"),
        "started_at": told.get("started_at"),
        "finished_at": told.get("finished_at") if is_finished else None,
        "canceled_at": told.get("finished_at") if transfer.state == "canceled" else None,
        "succeeded": transfer.state in SUCCEEDED,
        "processed_bytes": _processed_bytes(told),
        "source_bytes": told.get("source_bytes") or 0,
        "warnings": 0,
        "options": {},
        "schedule": {"uuid": None} if told.get("is_scheduled") else None,
        "logs": _logs(transfer),
        "kedge": {**told, "log": None},
    }


def _processed_bytes(told: Told) -> int:
    """How large a backup is; of a restore or a copy, which keep none, how much came through."""
    kept = told.get("size_bytes") or told.get("processed_bytes")
    return int(kept or told.get("restored_bytes") or 0)


def _logs(transfer: Transfer) -> list[Json]:
    listed = transfer.told.get("log") or []
    return [{"created_at": each.get("at"), "message": each.get("message")} for each in listed]


@routes.get("/client/v11/apps/<app>/transfers")
def list_(app: str) -> Response:
    """The backups, restores and copies of an app's Postgres databases."""
    return answer_list([shown(e) for e in backups.list_of_app(services(), actor(), app)])


@routes.get("/client/v11/apps/<app>/transfers/<transfer>")
def info(app: str, transfer: str) -> Response:
    """One backup, restore or copy, by number or id, with its log."""
    return answer(shown(backups.find(services(), actor(), app, transfer)))


@routes.delete("/client/v11/apps/<app>/transfers/<transfer>")
def destroy(app: str, transfer: str) -> Response:
    """Remove a backup for good."""
    return answer(shown(backups.delete(services(), actor(), app, transfer)))


@routes.post("/client/v11/apps/<app>/transfers/<transfer>/actions/cancel")
def cancel(app: str, transfer: str) -> Response:
    """End a backup, restore or copy that goes on."""
    bodies.body()
    return answer(shown(backups.cancel(services(), actor(), app, transfer)))


@routes.post("/client/v11/apps/<app>/transfers/<transfer>/actions/public-url")
def public_url(app: str, transfer: str) -> Response:
    """An address anybody can download a backup from for some minutes."""
    bodies.body()
    path, expires_at = backups.link(services(), actor(), app, transfer)
    url = f"{request.host_url.rstrip('/')}{path}"
    return answer({"url": url, "expires_at": expires_at}, 201)


@routes.post("/client/v11/databases/<database>/backups")
def capture(database: str) -> Response:
    """Have a backup of a Postgres database made, and proven by restoring it."""
    bodies.body()
    return answer(shown(backups.capture(services(), actor(), database)), 201)


@routes.post("/client/v11/databases/<database>/restores")
def restore(database: str) -> Response:
    """Replace what is in a Postgres database by a backup."""
    address = bodies.text(bodies.body(), "backup_url", limit=2000)
    if not address:
        raise InvalidParams("Name the backup: backup_url, as the transfer's to_url has it.")
    return answer(shown(backups.restore(services(), actor(), database, address)), 201)


@routes.post("/client/v11/databases/<database>/transfers")
def copy(database: str) -> Response:
    """Replace what is in a Postgres database by what is in another, named by `from` or its URL."""
    body = bodies.body()
    source = bodies.text(body, "from", limit=300)
    if not source:
        url = bodies.text(body, "from_url", limit=4096) or ""
        if not urlsplit(url).scheme.startswith("postgres"):
            raise InvalidParams("Name the database to copy from: `from`, or its URL `from_url`.")
        source = str(backups.source_of_url(services(), actor(), url).id)
    return answer(shown(backups.copy(services(), actor(), database, source)), 201)


@routes.get("/client/v11/databases/<database>/transfer-schedules")
def schedules(database: str) -> Response:
    """When daily backups of a Postgres database are made."""
    found = backups.schedules(services(), actor(), database)
    return answer_list([_schedule(each) for each in found])


@routes.post("/client/v11/databases/<database>/transfer-schedules")
def schedule(database: str) -> Response:
    """Have a backup of a Postgres database made every day, at an hour of a time zone."""
    body = bodies.body()
    hour = bodies.integer(body, "hour", lowest=0, highest=23)
    if hour is None:
        raise InvalidParams("hour must be a whole number from 0 to 23.")
    name = bodies.text(body, "schedule_name", limit=120) or "DATABASE_URL"
    zone = bodies.text(body, "timezone", limit=60) or "UTC"
    return answer(_schedule(backups.schedule(services(), actor(), database, name, hour, zone)), 201)


@routes.delete("/client/v11/databases/<database>/transfer-schedules/<schedule>")
def unschedule(database: str, schedule: str) -> Response:
    """Make no more backups by a schedule."""
    backups.unschedule(services(), actor(), database, schedule)
    return answer({})


def _schedule(told: Told) -> Json:
    return {
        "uuid": told.get("id"), "name": told.get("name"), "hour": told.get("hour"),
        "timezone": told.get("timezone"), "next_at": told.get("next_at"),
        "last_at": told.get("last_at"), "last_state": told.get("last_state"), "days": [],
    }  # fmt: skip
