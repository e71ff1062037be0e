"""Backups downloaded by a signed address that anybody may use, for an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from kedge_addons.database import uuid_of
from kedge_addons.keys import Keys
from kedge_addons.postgres.backups.rows import State, TransferRow
from kedge_addons.postgres.backups.transfers import title

if TYPE_CHECKING:
    from kedge_addons.postgres.service import Postgres

GOOD_FOR = timedelta(hours=1)
SALT = "backup download"


def signed(known: Keys, row: TransferRow) -> tuple[str, str]:
    """(path, until when in ISO 8601) of a backup's download."""
    token = _signer(known).dumps(str(row.id))
    until = (datetime.now(UTC) + GOOD_FOR).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"/provider/heroku-postgresql/downloads/{token}", until


def blueprint(service: Postgres) -> Blueprint:
    """The downloads, below `/provider/heroku-postgresql`."""
    routes = Blueprint("downloads", __name__)

    @routes.get("/downloads/<token>")
    def download(token: str) -> Response:
        """The file, as `pg_restore` reads it."""
        row = _meant(service, token)
        pieces = service.backups.places.called(row.store).read(str(row.id))
        name = f"{row.to_name}-{row.created_at:%Y-%m-%d}-{title(row)}.dump"
        answer = Response(pieces, mimetype="application/octet-stream")
        answer.headers["Content-Length"] = str(row.size_bytes)
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


def _meant(service: Postgres, token: str) -> TransferRow:
    known: Keys = current_app.extensions["keys"]
    try:
        given = _signer(known).loads(token, max_age=int(GOOD_FOR.total_seconds()))
    except BadData:
        abort(403, "This address is not good any more. Ask for another: kedge pg:backups:url.")
    row = service.backups.transfers.find(uuid_of(given))
    if row.state != State.VERIFIED:
        abort(404, f"{title(row)} is no backup that was verified.")
    return row


def _signer(known: Keys) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(known.session_key(), salt=SALT)
