"""Dynos as people see them: listed, restarted, stopped, and one-off ones run."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from kedge.db import Transaction
from kedge.errors import Conflict, InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.account import token_digest
from kedge.model.app import App
from kedge.model.config import change
from kedge.model.dyno import Dyno, State
from kedge.model.formation import DEFAULT_SIZE, find_size
from kedge.model.release import Release
from kedge.ops import formations, releases
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services

COMMAND_LIMIT_BYTES = 32 * 1024
TYPE = re.compile(r"[A-Za-z0-9_-]{1,64}")
SHOWN = (State.STARTING, State.UP, State.CRASHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """A one-off dyno somebody asks for.

    `id`: what its id is to be. Asked for again with the same id, as after an answer that was
    lost, it is the same dyno.
    """

    command: str
    attach: bool = False
    env: Mapping[str, object] | None = None
    size: str | None = None
    type: str = "run"
    tty: bool = True
    time_to_live: int | None = None
    id: uuid.UUID | None = None


def list_dynos(services: Services, actor: Actor, app_identity: str) -> list[Dyno]:
    """The app's dynos by name; of two with one name (a roll-out) the newer."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return _shown(tx, app)


def find(services: Services, actor: Actor, app_identity: str, identity: str) -> Dyno:
    """A dyno by name or id. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return find_in(tx, app, identity)


def find_any(services: Services, actor: Actor, dyno_id: str) -> Dyno:
    """A dyno by id, also one that has ended. Raises NotFound."""
    with services.database.transaction() as tx:
        known = as_uuid(dyno_id)
        dyno = tx.get(Dyno, known) if known else None
        if dyno is None:
            raise NotFound.of("dyno")
        find_app(tx, actor, dyno.app_id, Action.VIEW)
        return dyno


def run(
    services: Services, actor: Actor, app_identity: str, wanted: OneOff
) -> tuple[Dyno, str | None]:
    """Start a one-off dyno with the code and config that run; with `attach`, the secret to it.

    Raises:
        InvalidParams: no command, or something in the request may not be.
        Conflict: the app has no code yet, or the id is another dyno's.
    """
    command, env = checked(wanted)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        if wanted.id is not None and (known := tx.get(Dyno, wanted.id)) is not None:
            return _same(known, app, wanted), None
        release = releases.head(tx, app)
        if release is None or release.slug_id is None:
            raise Conflict(
                f"{app.name} has no code to run yet. Deploy it first: git push kedge main"
            )
        return begin(services, tx, actor, app, release, wanted, command_of(release, command), env)


def begin(
    services: Services,
    tx: Transaction,
    actor: Actor,
    app: App,
    release: Release,
    wanted: OneOff,
    command: str,
    env: Mapping[str, str],
) -> tuple[Dyno, str | None]:
    """Note a one-off dyno for the supervisor to start; with `attach`, the secret to it.

    The caller holds the app's lock and has `checked` the request.
    """
    secret = secrets.token_hex(16) if wanted.attach else None
    dyno = Dyno(
        id=wanted.id or uuid.uuid4(),
        app_id=app.id,
        release_id=release.id,
        kind="run",
        type=wanted.type,
        ordinal=_free_ordinal(tx, app, wanted.type),
        size=find_size(wanted.size or DEFAULT_SIZE).name,
        command=command,
        attach=attach_of(wanted, env) if wanted.attach else None,
        attach_sha256=token_digest(secret) if secret else None,
        time_to_live=wanted.time_to_live,
    )
    dyno.sealed_env = services.vault.seal(json.dumps(env).encode(), env_context(dyno.id))
    tx.add(dyno)
    tx.flush()
    tx.refresh(dyno)
    record(tx, actor, "dyno.run", app, dyno=dyno.name)
    said = wanted.command
    services.say(tx, app.id, f"Starting process with command `{said}` by user {actor.email}")
    services.wake_app(tx, app.id)
    return dyno, secret


def restart(services: Services, actor: Actor, app_identity: str, identity: str) -> None:
    """Restart one dyno, or with a process type all of it: new ones are up before old ones go."""
    if "." not in identity and TYPE.fullmatch(identity) and as_uuid(identity) is None:
        formations.restart(services, actor, app_identity, identity)
        return
    _ask_to_end(services, actor, app_identity, identity, "dyno.restart")


def stop(services: Services, actor: Actor, app_identity: str, identity: str) -> None:
    """Stop one dyno. One of the formation is replaced, as on Heroku; a one-off one ends."""
    _ask_to_end(services, actor, app_identity, identity, "dyno.stop")


def restart_type(services: Services, actor: Actor, app_identity: str, type_: str) -> None:
    """Restart the dynos of a process type; of a type that only one-off dynos have, end those.

    Raises:
        NotFound: the app has no dynos of that type, and no such process type.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        one_offs = [dyno for dyno in _shown(tx, app) if dyno.kind == "run" and dyno.type == type_]
        for dyno in one_offs:
            dyno.stop_requested_at = services.now()
        if one_offs:
            record(tx, actor, "dyno.stop", app, type=type_)
            services.wake_app(tx, app.id)
            return
    formations.restart(services, actor, app_identity, type_)


def _ask_to_end(
    services: Services, actor: Actor, app_identity: str, identity: str, action: str
) -> None:
    """Note that a dyno is to end: behind its successor in the formation, for good otherwise."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        dyno = find_in(tx, app, identity)
        if dyno.kind == "dyno":
            dyno.restart_requested_at = services.now()
        else:
            dyno.stop_requested_at = services.now()
        record(tx, actor, action, app, dyno=dyno.name)
        services.wake_app(tx, app.id)


def command_of(release: Release, command: str) -> str:
    """A command line, with a process type at its beginning replaced by its command.

    Heroku's CLI puts ` ; echo …` behind what it was told to run when it wants the exit status.
    """
    first, then, rest = command.partition(" ; ")
    return f"{release.process_types.get(first, first)}{then}{rest}"


def env_context(dyno_id: uuid.UUID) -> str:
    """What a dyno's own environment is sealed for."""
    return f"environment of dyno {dyno_id}"


def checked(wanted: OneOff) -> tuple[str, dict[str, str]]:
    """The command and its own environment. Raises InvalidParams: they may not be."""
    command = wanted.command
    if not isinstance(command, str) or not command.strip() or "\0" in command:
        raise InvalidParams("command is needed: what to run, such as `bash`.")
    if len(command.encode("utf-8", "surrogatepass")) > COMMAND_LIMIT_BYTES:
        raise InvalidParams(
            "The command is too long. Put it into a script of the app and run that."
        )
    if not TYPE.fullmatch(wanted.type):
        raise InvalidParams("type must be letters, digits, - and _, up to 64.")
    return command, change({}, wanted.env or {})  # what config vars may be, and as many bytes


def attach_of(wanted: OneOff, env: Mapping[str, str]) -> dict[str, object]:
    """How the streams are wanted: with a terminal or without, and of which size."""
    size = {k.lower(): int(env[k]) for k in ("COLUMNS", "LINES") if env.get(k, "").isdecimal()}
    return {"tty": wanted.tty, **size}


def _same(known: Dyno, app: App, wanted: OneOff) -> Dyno:
    """The dyno that was asked for before by this id. Raises Conflict: it is another."""
    if (known.app_id, known.kind, known.type) != (app.id, "run", wanted.type) or wanted.attach:
        raise Conflict("This Idempotency-Key was used for another dyno. Take a new one.")
    return known


def _free_ordinal(tx: Session, app: App, type_: str) -> int:
    query = select(Dyno.ordinal).where(Dyno.app_id == app.id, Dyno.type == type_)
    taken = set(tx.scalars(query.where(Dyno.state != State.ENDED)))
    return next(n for n in iter(lambda: secrets.randbelow(9000) + 1000, None) if n not in taken)


def _shown(tx: Session, app: App) -> list[Dyno]:
    query = (
        select(Dyno)
        .where(Dyno.app_id == app.id, Dyno.state.in_(SHOWN), Dyno.kind != "release")
        # In one query, however many releases; of theirs, nobody who lists dynos looks at more.
        .options(joinedload(Dyno.release).lazyload("*"))
        .order_by(Dyno.created_at)
    )
    by_name = {dyno.name: dyno for dyno in tx.scalars(query)}
    return sorted(by_name.values(), key=lambda dyno: (dyno.type, dyno.ordinal))


def find_in(tx: Session, app: App, identity: str) -> Dyno:
    """A dyno of the app by name or id; of two with one name (a roll-out) the newer. NotFound."""
    found = next((d for d in _shown(tx, app) if identity in (d.name, str(d.id))), None)
    if found is None:
        raise NotFound.of("dyno")
    return found
