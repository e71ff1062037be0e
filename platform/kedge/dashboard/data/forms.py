"""What one may do with a database on its page: back it up, restore it, change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, request

from kedge.dashboard.answers import NO_PROBLEM, Problem, go, redirect, show, visit
from kedge.dashboard.data import observed, page, wording
from kedge.dashboard.page import Page
from kedge.dashboard.visit import Visit
from kedge.errors import Forbidden, KedgeError, NotFound
from kedge.model.addon import Addon
from kedge.ops import backups, databases
from kedge.ops.authorize import Action
from kedge.ops.databases import POSTGRES

routes = Blueprint("data_forms", __name__)
AT = page.AT
RESTORE = Page(name="data_restore", title="Restore", tab="resources")
MENDABLE = frozenset({404, 409, 422, 503})
Found = TypeVar("Found")


@routes.post(f"{AT}/backups")
def capture(app: str, database: str) -> Response:
    """Back it up."""
    seen, addon = _operated(app, database)
    return _done(
        seen,
        addon,
        "backups",
        lambda: backups.capture(seen.services, seen.actor, str(addon.id)),
        lambda made: f"{wording.line(made).name} is being made, and then proved.",
    )


@routes.post(f"{AT}/backups/<backup>/cancel")
def cancel(app: str, database: str, backup: str) -> Response:
    """End one that goes on."""
    seen, addon = _operated(app, database)
    return _done(
        seen,
        addon,
        "backups",
        lambda: backups.cancel(seen.services, seen.actor, app, _of(seen, addon, backup)),
        lambda made: f"{wording.line(made).name} is canceled.",
    )


@routes.post(f"{AT}/backups/<backup>/delete")
def delete(app: str, database: str, backup: str) -> Response:
    """Remove one for good."""
    seen, addon = _operated(app, database)
    return _done(
        seen,
        addon,
        "backups",
        lambda: backups.delete(seen.services, seen.actor, app, _of(seen, addon, backup)),
        lambda made: f"{wording.line(made).name} is deleted.",
    )


@routes.post(f"{AT}/backups/<backup>/download")
def download(app: str, database: str, backup: str) -> Response:
    """Lead to the file, by an address that is good for an hour."""
    seen, addon = _operated(app, database)
    path, _ = backups.link(seen.services, seen.actor, app, _of(seen, addon, backup))
    return redirect(path)


@routes.get(f"{AT}/backups/<backup>/restore")
def ask_restore(app: str, database: str, backup: str) -> Response:
    """What would be lost, and the question for its name."""
    seen, addon = _operated(app, database)
    return _restore(seen, addon, backup)


@routes.post(f"{AT}/backups/<backup>/restore")
def restore(app: str, database: str, backup: str) -> Response:
    """Put a backup in the place of what is in the database, whose name was typed."""
    seen, addon = _operated(app, database)
    typed = request.form.get("confirm", "").strip()
    if typed != addon.name:
        words = f"That is not its name, so nothing was changed. Type {addon.name}."
        return _restore(seen, addon, backup, Problem("restore", words, {"confirm": typed}), 422)
    address = _transfer(seen, addon, backup).address
    return _done(
        seen,
        addon,
        "backups",
        lambda: backups.restore(seen.services, seen.actor, str(addon.id), address),
        lambda made: f"{wording.line(made).name} goes on; {addon.name} serves meanwhile.",
    )


@routes.post(f"{AT}/schedule")
def schedule(app: str, database: str) -> Response:
    """Have a backup made every day."""
    seen, addon = _operated(app, database)
    hour, zone = request.form.get("hour", ""), request.form.get("zone", "").strip() or "UTC"
    given = int(hour) if hour.isdecimal() and len(hour) <= 2 else -1
    return _done(
        seen,
        addon,
        "schedule",
        lambda: backups.schedule(
            seen.services, seen.actor, str(addon.id), "DATABASE_URL", given, zone
        ),
        lambda _made: f"{addon.name} is backed up every day at {given:02}:00 {zone}.",
    )


@routes.post(f"{AT}/unschedule")
def unschedule(app: str, database: str) -> Response:
    """Make no more daily backups."""
    seen, addon = _operated(app, database)
    wanted = request.form.get("schedule", "")
    return _done(
        seen,
        addon,
        "schedule",
        lambda: backups.unschedule(seen.services, seen.actor, str(addon.id), wanted),
        lambda _none: "There are no more daily backups; those made stay.",
    )


@routes.post(f"{AT}/rotate")
def rotate(app: str, database: str) -> Response:
    """New credentials, and a release with them."""
    seen, addon = _operated(app, database)
    return _done(
        seen,
        addon,
        "rotate",
        lambda: databases.rotate(seen.services, seen.actor, str(addon.id), addon.service.name),
        lambda _made: "There are new credentials. A release with them is on its way.",
    )


@routes.post(f"{AT}/settings")
def change_settings(app: str, database: str) -> Response:
    """Settings of a Redis instance."""
    seen, addon = _operated(app, database)
    wait = request.form.get("timeout", "")
    changes = {"maxmemory_policy": request.form.get("policy", ""),
               "timeout": int(wait) if wait.isdecimal() and len(wait) < 10 else -1}  # fmt: skip
    return _done(
        seen,
        addon,
        "settings",
        lambda: databases.change_settings(seen.services, seen.actor, str(addon.id), changes),
        lambda _made: f"{addon.name} has these settings from now on.",
    )


@routes.post(f"{AT}/queries/reset")
def forget_queries(app: str, database: str) -> Response:
    """Count the queries anew."""
    seen, addon = _operated(app, database)
    return _done(
        seen,
        addon,
        "queries",
        lambda: databases.forget_slow_queries(seen.services, seen.actor, str(addon.id)),
        lambda _none: "Queries are counted from now on.",
    )


def _operated(app: str, database: str) -> tuple[Visit, Addon]:
    """A database and the visit of somebody who may operate it. Raises Forbidden."""
    seen = visit(app)
    if Action.OPERATE not in seen.may:
        raise Forbidden(
            f"You need the operate permission on {seen.name}. Ask {seen.the_app.owner.email}."
        )
    return seen, page.database_of(seen, database)


def _done(
    seen: Visit, addon: Addon, form: str, do: Callable[[], Found], says: Callable[[Found], str]
) -> Response:
    """Do it and go back to the page, or show why it cannot be done."""
    try:
        made = do()
    except KedgeError as error:
        if error.status not in MENDABLE:
            raise
        problem = Problem(form, error.message, dict(request.form))
        return page.shown(seen.name, addon.name, problem, error.status)
    observed.forget(addon)
    return go(seen.path("data", addon.name), says(made))


def _transfer(seen: Visit, addon: Addon, identity: str) -> backups.Transfer:
    """A backup, restore or copy of this very database. Raises NotFound."""
    if addon.service.name == POSTGRES:
        for each in backups.list_of_database(seen.services, seen.actor, str(addon.id)):
            if identity in (str(each.told.get("id")), wording.line(each).name):
                return each
    raise NotFound.of("transfer", f"{addon.name} has no such backup.")


def _of(seen: Visit, addon: Addon, identity: str) -> str:
    return str(_transfer(seen, addon, identity).told["id"])


def _restore(
    seen: Visit, addon: Addon, backup: str, problem: Problem = NO_PROBLEM, status: int = 200
) -> Response:
    line = wording.line(_transfer(seen, addon, backup))
    if not line.is_green:
        raise NotFound.of("transfer", f"{line.name} is no backup that was verified.")
    return show(RESTORE, seen, problem, status, addon=addon, line=line)
