"""Dynos: listed, restarted, stopped, and one-off ones run."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, request

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, for_providers, host, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.ids import as_uuid
from kedge.model.dyno import Dyno, State
from kedge.model.tables import Json
from kedge.ops import dynos, formations, inside_runs
from kedge.ops.dynos import OneOff

routes = Blueprint("dynos", __name__)
DAY_SECONDS = 24 * 3600
_SHOWN_AS = {State.DRAINING: "down", State.STOPPING: "down", State.ENDED: "down"}


def shown(dyno: Dyno, secret: str | None = None) -> Json:
    """A dyno as the API shows it; `secret` is the way to a one-off dyno's streams."""
    return {
        "app": app_.named(dyno.app),
        "attach_url": _attach_url(secret) if secret else None,
        "command": dyno.command,
        "created_at": iso(dyno.created_at),
        "id": str(dyno.id),
        "name": dyno.name,
        "release": {"id": str(dyno.release.id), "version": dyno.release.version},
        "size": dyno.size,
        "state": _SHOWN_AS.get(State(dyno.state), dyno.state),
        "type": dyno.type,
        "updated_at": iso(dyno.updated_at),
    }


@routes.get("/apps/<app>/dynos")
def list_(app: str) -> Response:
    """The app's dynos."""
    return answer_list([shown(row) for row in dynos.list_dynos(services(), actor(), app)])


@routes.get("/apps/<app>/dynos/<dyno>")
@for_providers
def info(app: str, dyno: str) -> Response:
    """One dyno, by name or id."""
    return answer(shown(dynos.find(services(), actor(), app, dyno)))


@routes.post("/apps/<app>/dynos")
@for_providers
def create(app: str) -> Response:
    """A one-off dyno, one per `Idempotency-Key`; with `attach`, the address of its streams."""
    dyno, secret = dynos.run(services(), actor(), app, _one_off(bodies.body()))
    return answer(shown(dyno, secret), 201)


@routes.post("/apps/<app>/dynos/<dyno>")
def run_inside(app: str, dyno: str) -> Response:
    """Run a command inside a dyno; the answer is that dyno, with the address of the streams."""
    row, secret = inside_runs.run(services(), actor(), app, dyno, _one_off(bodies.body()))
    own = {"id": str(row.id), "command": row.command}
    return answer({**shown(row.dyno, secret), **own}, 201)


@routes.delete("/apps/<app>/dynos")
def restart_all(app: str) -> Response:
    """Restart every dyno of the formation."""
    bodies.body()
    formations.restart(services(), actor(), app)
    return answer({}, 202)


@routes.delete("/apps/<app>/dynos/<dyno>")
def restart(app: str, dyno: str) -> Response:
    """Restart one dyno, or with a process type all of it."""
    bodies.body()
    dynos.restart(services(), actor(), app, dyno)
    return answer({}, 202)


@routes.post("/apps/<app>/dynos/<dyno>/actions/stop")
def stop(app: str, dyno: str) -> Response:
    """Stop one dyno."""
    bodies.body()
    dynos.stop(services(), actor(), app, dyno)
    return answer({}, 202)


@routes.get("/kedge/dynos/<dyno>")
@for_providers
def outcome(dyno: str) -> Response:
    """How a dyno ended, also after it is gone from the list; `exit_status` is null until then."""
    row = dynos.find_any(services(), actor(), dyno)
    state = {"state": row.state, "exit_status": row.exit_status}
    times = {name: iso(moment) if moment else None for name, moment in
             (("started_at", row.started_at), ("ended_at", row.ended_at))}  # fmt: skip
    return answer({"id": str(row.id), "name": row.name, **state, **times})


@routes.get("/kedge/inside-runs/<run>")
def outcome_inside(run: str) -> Response:
    """How a command inside a dyno ended; `exit_status` is null when that is not known."""
    row = inside_runs.find(services(), actor(), run)
    state = State.ENDED if row.ended_at else State.STARTING if row.attach_sha256 else State.UP
    told = {"state": state, "exit_status": row.exit_status}
    return answer({"id": str(row.id), "name": row.dyno.name, **told})


def _one_off(body: Json) -> OneOff:
    command = bodies.text(body, "command", limit=dynos.COMMAND_LIMIT_BYTES)
    if not command:
        raise InvalidParams("command is needed: what to run, such as `bash`.")
    return OneOff(
        command=command,
        attach=bodies.truth(body, "attach") or False,
        env=bodies.mapping(body, "env"),
        size=bodies.text(body, "size"),
        type=bodies.text(body, "type") or "run",
        tty=not bodies.truth(body, "force_no_tty"),
        time_to_live=bodies.integer(body, "time_to_live", lowest=1, highest=DAY_SECONDS),
        id=_wanted_id(request.headers.get("Idempotency-Key")),
    )


def _wanted_id(key: str | None) -> uuid.UUID | None:
    if key is None:
        return None
    if (found := as_uuid(key)) is None:
        raise InvalidParams("Idempotency-Key must be a UUID: it becomes the dyno's id.")
    return found


def _attach_url(secret: str) -> str:
    # The port must be written out: the official CLI cannot do without.
    return f"rendezvous://{host()}:{services().settings.rendezvous_port_in_use}/{secret}"
