"""Regions: an installation is one place."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api.answers import answer
from kedge.api.lists import answer_list
from kedge.errors import InvalidParams, NotFound
from kedge.model.tables import Json

routes = Blueprint("regions", __name__)
NAME = "local"
ID = str(uuid.uuid5(uuid.UUID("6b656467-652d-4964-8a72-6567696f0000"), NAME))
NAMED: Json = {"id": ID, "name": NAME}
_DECLARED_AT = "2026-01-01T00:00:00Z"
_SHOWN: Json = NAMED | {
    "country": "Here",
    "created_at": _DECLARED_AT,
    "description": "Where this Kedge runs",
    "locale": "Here",
    "private_capable": False,
    "provider": {"name": "kedge"},
    "updated_at": _DECLARED_AT,
}


def check(identity: str | None) -> None:
    """Raises InvalidParams when a region is asked for that does not exist."""
    if identity not in (None, NAME, ID):
        raise InvalidParams(f"Couldn't find that region. There is: {NAME}.", resource="region")


@routes.get("/regions")
def list_() -> Response:
    """All regions: the one there is."""
    return answer_list([_SHOWN])


@routes.get("/regions/<region>")
def info(region: str) -> Response:
    """One region, by name or id."""
    if region not in (NAME, ID):
        raise NotFound.of("region")
    return answer(_SHOWN)
