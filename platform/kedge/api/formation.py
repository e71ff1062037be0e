"""The formation: process types, how many dynos of which size run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.formation import SIZES, Formation
from kedge.model.tables import Json
from kedge.ops import dynos, formations

routes = Blueprint("formation", __name__)
_NAME_OF_SIZE = {str(size.id): name for name, size in SIZES.items()}


def shown(row: Formation, commands: Mapping[str, str]) -> Json:
    """A process type as the API shows it."""
    return {
        "app": app_.named(row.app),
        "command": commands.get(row.type, ""),
        "created_at": iso(row.created_at),
        "dyno_size": {"id": str(SIZES[row.size].id), "name": row.size},
        "id": str(row.id),
        "quantity": row.quantity,
        "size": row.size,
        "type": row.type,
        "updated_at": iso(row.updated_at),
    }


@routes.get("/apps/<app>/formation")
def list_(app: str) -> Response:
    """The app's process types."""
    rows, commands = formations.list_formation(services(), actor(), app)
    return answer_list([shown(row, commands) for row in rows])


@routes.get("/apps/<app>/formation/<process_type>")
def info(app: str, process_type: str) -> Response:
    """One process type."""
    row, commands = formations.find(services(), actor(), app, process_type)
    return answer(shown(row, commands))


@routes.patch("/apps/<app>/formation")
def update_all(app: str) -> Response:
    """Change several process types, all or none."""
    updates = bodies.sequence(bodies.body(), "updates")
    return answer(_changed(app, [_wanted(each) for each in updates]))


@routes.patch("/apps/<app>/formation/<process_type>")
def update(app: str, process_type: str) -> Response:
    """Change quantity or size of one process type."""
    wanted = _wanted(bodies.body()) | {"type": process_type}
    return answer(_changed(app, [wanted])[0])


@routes.delete("/apps/<app>/formations/<process_type>")
def restart(app: str, process_type: str) -> Response:
    """Restart the dynos of one process type."""
    bodies.body()
    dynos.restart_type(services(), actor(), app, process_type)
    return answer({}, 202)


@routes.post("/apps/<app>/formations/<process_type>/actions/stop")
def stop(app: str, process_type: str) -> Response:
    """Stop the dynos of one process type; the formation's are replaced, one-off ones end."""
    bodies.body()
    dynos.restart_type(services(), actor(), app, process_type)
    return answer({}, 202)


def _changed(app: str, updates: list[Json]) -> list[Json]:
    rows, commands = formations.update(services(), actor(), app, updates)
    return [shown(row, commands) for row in rows]


def _wanted(update: Any) -> Json:
    """An update with its size by name: clients name sizes by id too."""
    if not isinstance(update, dict):
        raise InvalidParams('Each of updates must be an object: {"type": "web", "quantity": 2}.')
    size = update.get("size") or bodies.identity(update, "dyno_size")
    if isinstance(size, str):
        size = _NAME_OF_SIZE.get(size, size)
    return {"type": update.get("type"), "quantity": update.get("quantity"), "size": size}
