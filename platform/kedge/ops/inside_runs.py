"""Commands run inside a dyno that is there already, attached to from outside."""

from __future__ import annotations

import json
import secrets
import uuid

from kedge.errors import Conflict, NotFound
from kedge.ids import as_uuid
from kedge.model.account import token_digest
from kedge.model.dyno import Dyno, State
from kedge.model.inside_run import InsideRun
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.dynos import OneOff, attach_of, checked, command_of, find_in
from kedge.ops.services import Services

RUNS = (State.STARTING, State.UP)


def run(
    services: Services, actor: Actor, app_identity: str, dyno_identity: str, wanted: OneOff
) -> tuple[InsideRun, str]:
    """Have a command ready to run inside a dyno, and the secret of its streams.

    It begins when somebody shows the secret, within a minute.

    Raises:
        NotFound: the app has no such dyno.
        InvalidParams: no command, or something in the request may not be.
        Conflict: the dyno does not run.
    """
    command, env = checked(wanted)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE)
        dyno = find_in(tx, app, dyno_identity)
        check(dyno)
        secret = secrets.token_hex(16)
        row = InsideRun(
            id=uuid.uuid4(),
            app_id=app.id,
            dyno_id=dyno.id,
            command=command_of(dyno.release, command),
            attach=attach_of(wanted, env),
            attach_sha256=token_digest(secret),
        )
        row.sealed_env = services.vault.seal(json.dumps(env).encode(), env_context(row.id))
        tx.add(row)
        tx.flush()
        tx.refresh(row)
        record(tx, actor, "dyno.run_inside", app, dyno=dyno.name)
        words = f"Running `{command}` inside {dyno.name} by user {actor.email}"
        services.say(tx, app.id, words)
        return row, secret


def find(services: Services, actor: Actor, run_id: str) -> InsideRun:
    """A command by id, also one that has ended. Raises NotFound."""
    with services.database.transaction() as tx:
        known = as_uuid(run_id)
        row = tx.get(InsideRun, known) if known else None
        if row is None:
            raise NotFound.of("inside_run", "Couldn't find that command inside a dyno.")
        find_app(tx, actor, row.app_id, Action.VIEW)
        return row


def check(dyno: Dyno) -> None:
    """Raises Conflict when nothing can run inside a dyno now."""
    if dyno.state not in RUNS or dyno.runtime_id is None:
        raise Conflict(
            f"{dyno.name} does not run now. `kedge ps` shows what does.", resource="dyno"
        )


def env_context(run_id: uuid.UUID) -> str:
    """What the environment of such a command is sealed for."""
    return f"environment of a command inside a dyno {run_id}"
