"""The Data page of a database."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.dashboard import context, paths
from kedge.dashboard.answers import NO_PROBLEM, Problem, redirect, show, visit
from kedge.dashboard.data import observed, wording
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import NotFound
from kedge.model.addon import Addon
from kedge.ops import addon_directory, attachments, backups
from kedge.ops.databases import KINDS

routes = Blueprint("data", __name__)
AT = "/dashboard/apps/<app>/data/<database>"
PACE_SECONDS = 2.0
SHOWN = 30


def load(visit: Visit) -> Facts:
    """What is observed of the database, and what its provider keeps of it."""
    addon = database_of(visit, visit.arguments.get("database", ""))
    told = observed.look(visit, addon)
    found = told["state"].value or {}
    listed = told["backups"].value or []
    return {
        "addon": addon,
        "told": told,
        "observed": found.get("state"),
        "problems": list((found.get("health") or {}).get("problems") or []),
        "bars": wording.bars(addon.service.name, found),
        "facts": wording.facts(addon.service.name, found),
        "lines": [wording.line(each) for each in listed[:SHOWN]],
        "attached": attachments.list_of_addon(visit.services, visit.actor, str(addon.id)),
        "alerts": backups.alerts(visit.services, visit.actor, addon),
    }


PAGE = register(
    Page(
        name="data",
        title="Data",
        tab="resources",
        load=load,
        regions={
            "health": "data/health",
            "backups": "data/backups",
            "queries": "data/queries",
            "alerts": "data/alerts",
        },
        arguments=("database",),
        asks_elsewhere=True,
        pace_seconds=PACE_SECONDS,
    )
)


def database_of(visit: Visit, identity: str) -> Addon:
    """A database that is the app's own. Raises NotFound."""
    found = addon_directory.find(visit.services, visit.actor, identity, str(visit.the_app.id))
    if found.app_id != visit.the_app.id or found.service.name not in KINDS:
        raise NotFound.of("add_on", f"{found.name} is no database of {visit.name}.")
    return found


def shown(app: str, database: str, problem: Problem = NO_PROBLEM, status: int = 200) -> Response:
    """The page, also with what is wrong in one of its forms."""
    seen = visit(app, PAGE, arguments={"database": database})
    return show(PAGE, seen, problem, status, title=database)


@routes.get(AT)
def show_(app: str, database: str) -> Response:
    """The database."""
    return shown(app, database)


@routes.get("/dashboard/addons/<addon>")
def of_addon(addon: str) -> Response:
    """The page of an add-on, wherever it belongs."""
    found = addon_directory.find(context.services(), context.actor(), addon)
    if found.app is None:
        raise NotFound.of("add_on")
    if found.service.name in KINDS:
        return redirect(paths.app(found.app.name, "data", found.name))
    return redirect(paths.app(found.app.name, "resources"))
