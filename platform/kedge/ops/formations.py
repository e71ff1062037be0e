"""The formation: scaled, resized, restarted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.errors import Conflict, InvalidParams, NotFound
from kedge.model.app import App
from kedge.model.formation import Formation, find_size, parse_quantity
from kedge.model.release import Release
from kedge.ops import releases
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services

Commands = Mapping[str, str]
RELEASE = "release"  # a process type that is never scaled: it runs once in each release phase


def list_formation(
    services: Services, actor: Actor, app_identity: str
) -> tuple[list[Formation], Commands]:
    """The app's process types, by name, and their commands."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return _all(tx, app), _commands(tx, app)


def find(
    services: Services, actor: Actor, app_identity: str, type_: str
) -> tuple[Formation, Commands]:
    """One process type, and the commands of all. Raises NotFound in Heroku's words."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return _find(tx, app, type_), _commands(tx, app)


def update(
    services: Services, actor: Actor, app_identity: str, updates: Sequence[Mapping[str, object]]
) -> tuple[list[Formation], Commands]:
    """Change quantity and size of process types: `{"type": "web", "quantity": "+1", "size": …}`.

    With `was`, as in `"was": "2 x Standard-1X"`, only what is so still is changed.

    Raises:
        NotFound: the app has no such process type.
        InvalidParams: a quantity or size may not be. Nothing is changed then.
        Conflict: somebody else has changed it meanwhile. Likewise.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        changed = [_change(tx, app, wanted) for wanted in updates]
        words = " ".join(f"{row.type}@{row.quantity}:{row.size}" for row in changed)
        services.say(tx, app.id, f"Scaled to {words} by user {actor.email}")
        record(tx, actor, "formation.update", app, formation=words)
        services.wake_app(tx, app.id)
        return changed, _commands(tx, app)


def restart(services: Services, actor: Actor, app_identity: str, type_: str | None = None) -> None:
    """Restart all dynos, or those of one process type: new ones are up before old ones go."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        for row in _all(tx, app) if type_ is None else [_find(tx, app, type_)]:
            row.restarts += 1
        record(tx, actor, "formation.restart", app, type=type_)
        services.say(tx, app.id, f"Restarted {type_ or 'all dynos'} by user {actor.email}")
        services.wake_app(tx, app.id)


def told(row: Formation) -> str:
    """A process type's quantity and size: `2 x Standard-1X`."""
    return f"{row.quantity} x {row.size}"


def declare(tx: Session, app: App, process_types: Mapping[str, str]) -> None:
    """Make rows for a slug's process types; the first deploy of an app starts one web dyno."""
    known = {row.type for row in _all(tx, app)}
    is_first = not tx.scalar(
        select(Release.id).where(Release.app_id == app.id, Release.slug_id.is_not(None)).limit(1)
    )
    for type_ in process_types:
        if type_ not in known:
            quantity = 1 if type_ == "web" and is_first else 0
            tx.add(Formation(id=uuid.uuid4(), app_id=app.id, type=type_, quantity=quantity))
    tx.flush()


def _change(tx: Session, app: App, wanted: Mapping[str, object]) -> Formation:
    type_ = wanted.get("type") or wanted.get("process")
    row = _find(tx, app, str(type_))
    if wanted.get("was") not in (None, told(row)):
        raise Conflict(
            f"Somebody else has scaled {row.type} to {told(row)} since you began, so nothing was "
            "changed. Look at what is there now, and make your change again."
        )
    if (quantity := wanted.get("quantity")) is not None:
        row.quantity = parse_quantity(quantity, row.quantity)
    if row.type == RELEASE and row.quantity:
        raise InvalidParams("The release process runs once in each release; it cannot be scaled.")
    size = wanted.get("size") or wanted.get("dyno_size")
    if isinstance(size, Mapping):
        size = size.get("name")
    if size:
        row.size = find_size(size).name
    return row


def _commands(tx: Session, app: App) -> Commands:
    """The command of each process type, as the release that runs has it."""
    return releases.running_types(tx, app) or {}


def _all(tx: Session, app: App) -> list[Formation]:
    query = select(Formation).where(Formation.app_id == app.id).order_by(Formation.type)
    return list(tx.scalars(query))


def _find(tx: Session, app: App, type_: str) -> Formation:
    query = select(Formation).where(Formation.app_id == app.id, Formation.type == type_)
    found = tx.scalar(query)
    if found is None:
        words = f"Couldn't find that process type ({type_[:64]})."
        raise NotFound.of("formation", words)
    return found
