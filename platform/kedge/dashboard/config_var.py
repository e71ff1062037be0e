"""Config vars: masked until asked for, set and removed one by one, edited together as .env text.

A form names the release its page showed: what somebody else has changed since is not overwritten.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from flask import Blueprint, Response, request

from kedge.dashboard import context
from kedge.dashboard.answers import Problem, go, show, visit
from kedge.dashboard.page import Page
from kedge.dashboard.settings import PAGE as SETTINGS
from kedge.dashboard.settings import again
from kedge.dashboard.visit import Visit
from kedge.errors import InvalidParams, KedgeError
from kedge.model import env_file
from kedge.model.config import OVERRULED_KEYS
from kedge.ops import config_vars
from kedge.ops.history import config_changes

routes = Blueprint("config_var", __name__)
REVEALED_SECONDS = 60
EDIT = Page(name="config_edit", title="Edit config vars", tab="settings")
REVIEW = Page(name="config_review", title="Review changes", tab="settings")


@routes.post("/dashboard/apps/<app>/config")
def set_(app: str) -> Response:
    """Set one config var."""
    seen, key = visit(app), request.form.get("key", "").strip()
    value = request.form.get("value", "").replace("\r\n", "\n")
    try:
        config_vars.update(
            seen.services, seen.actor, str(seen.the_app.id), {key: value}, made_from=_version()
        )
    except KedgeError as error:
        return again(seen, "config", error)
    note = " Dynos get the platform's own value instead." if key in OVERRULED_KEYS else ""
    return go(seen.path("settings"), f"{key} is set. A release with it is on its way out.{note}")


@routes.post("/dashboard/apps/<app>/config/remove")
def remove(app: str) -> Response:
    """Remove one config var."""
    seen, key = visit(app), request.form.get("key", "")
    config_vars.update(
        seen.services, seen.actor, str(seen.the_app.id), {key: None}, made_from=_version()
    )
    return go(seen.path("settings"), f"{key} is removed. A release without it is on its way out.")


@routes.post("/dashboard/apps/<app>/config/reveal")
def ask_reveal(app: str) -> Response:
    """On to the page that shows one value, for a minute."""
    seen, key = visit(app), request.form.get("key", "")
    known = config_vars.keys(seen.services, seen.actor, str(seen.the_app.id))
    if key not in known.names:
        return go(seen.path("settings"), f"There is no config var {key} any more.", "bad")
    until = int(time.time()) + REVEALED_SECONDS
    proof = _proof(seen, key, until)
    return go(seen.path("settings", "reveal", key, until=until, proof=proof))


@routes.get("/dashboard/apps/<app>/settings/reveal/<key>")
def reveal(app: str, key: str) -> Response:
    """The settings with one value shown, when it was asked for in the last minute."""
    seen, until = visit(app), request.args.get("until", "")
    proof = request.args.get("proof", "").encode()
    is_due = until.isdecimal() and len(until) < 12 and time.time() <= int(until)
    if not is_due or not hmac.compare_digest(proof, _proof(seen, key, int(until)).encode()):
        return go(seen.path("settings"))
    value = config_vars.reveal(seen.services, seen.actor, str(seen.the_app.id), key)
    return show(SETTINGS, seen, revealed={key: value})


@routes.get("/dashboard/apps/<app>/config/edit")
def edit(app: str) -> Response:
    """All config vars as text."""
    seen = visit(app)
    config, version = config_vars.edit(seen.services, seen.actor, str(seen.the_app.id))
    return show(EDIT, seen, text=env_file.written(config), version=version)


@routes.post("/dashboard/apps/<app>/config/review")
def review(app: str) -> Response:
    """What the edited text would change, before it is saved."""
    seen, text = visit(app), request.form.get("text", "")
    services, actor, name = seen.services, seen.actor, str(seen.the_app.id)
    before = config_vars.read_own(services, actor, name, _version())
    try:
        changes = config_changes(before, env_file.parsed(text))
    except KedgeError as error:
        if error.status != 422:
            raise
        return show(EDIT, seen, Problem("edit", error.message), 422, text=text, version=_version())
    if not changes:
        return go(seen.path("settings"), "Nothing differs, so nothing was changed.", "note")
    return show(REVIEW, seen, text=text, version=_version(), changes=changes)


@routes.post("/dashboard/apps/<app>/config/save")
def save(app: str) -> Response:
    """Save the edited text: what differs from what the editor began with."""
    seen, text = visit(app), request.form.get("text", "")
    services, actor, name = seen.services, seen.actor, str(seen.the_app.id)
    before = config_vars.read_own(services, actor, name, _version())
    try:
        changes = _changes(before, env_file.parsed(text))
        config_vars.update(services, actor, name, changes, made_from=_version())
    except KedgeError as error:
        if error.status not in (409, 422):
            raise
        problem = Problem("edit", error.message)
        return show(EDIT, seen, problem, error.status, text=text, version=_version())
    return go(seen.path("settings"), f"Changed {', '.join(changes)}. A release is on its way out.")


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    changes: dict[str, str | None] = {k: v for k, v in after.items() if before.get(k) != v}
    return changes | dict.fromkeys(key for key in before if key not in after)


def _version() -> int:
    written = request.form.get("version", "")
    if not written.isdecimal() or len(written) > 9:
        raise InvalidParams("The form does not say which release it was made from. Load it again.")
    return int(written)


def _proof(seen: Visit, key: str, until: int) -> str:
    told = f"reveal {seen.the_app.id} {key} {until}".encode("utf-8", "surrogatepass")
    return hmac.new(context.form_key(), told, hashlib.sha256).hexdigest()[:40]
