"""Consoles of databases: `psql` or `redis-cli` in a one-off dyno, to be attached to."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import bodies
from kedge.api import dyno as dyno_
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.errors import InvalidParams
from kedge.ops import addon_directory, consoles
from kedge.ops.consoles import Terminal
from kedge.ops.databases import KINDS

routes = Blueprint("consoles", __name__)
SIZE_LIMIT = 10_000


@routes.post("/kedge/databases/<database>/consoles")
def open_(database: str) -> Response:
    """A one-off dyno that runs the client of a database, with the address of its streams."""
    body = bodies.body()
    wanted = Terminal(
        tty=not bodies.truth(body, "force_no_tty"),
        term=bodies.text(body, "term", limit=60) or "xterm",
        columns=bodies.integer(body, "columns", lowest=1, highest=SIZE_LIMIT),
        lines=bodies.integer(body, "lines", lowest=1, highest=SIZE_LIMIT),
        stops_at_errors=bodies.truth(body, "stops_at_errors") or False,
    )
    found = addon_directory.find(services(), actor(), database)
    if found.service.name not in KINDS:
        raise InvalidParams(f"{found.name} is of {found.service.name}, which has no console.")
    made = consoles.open_(services(), actor(), str(found.id), found.service.name, wanted)
    return answer(dyno_.shown(*made), 201)
