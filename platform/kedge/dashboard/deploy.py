"""Deploying: how to push, the builds with their output, cancelled and built again."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context
from kedge.dashboard.answers import Problem, go, show, visit
from kedge.dashboard.live.output import Screenful
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import KedgeError
from kedge.ops import builds, rebuilds
from kedge.ops.pages import Page as Span

routes = Blueprint("deploy", __name__)
BUILDS = 15
COMMITS = 20


def load(visit: Visit) -> Facts:
    """The newest builds, with the versions of the releases they made."""
    span = Span(key="created_at", limit=BUILDS, descending=True)
    found = builds.list_builds(visit.services, visit.actor, str(visit.the_app.id), span)
    return {"builds": [build for build, _ in found[:BUILDS]]}


def load_build(visit: Visit) -> Facts:
    """One build."""
    name, wanted = str(visit.the_app.id), visit.arguments["build"]
    return {"build": builds.find(visit.services, visit.actor, name, wanted)[0]}


PAGE = register(Page(name="deploy", title="Deploy", load=load, regions={"builds": "deploy/builds"}))
BUILD = register(
    Page(
        name="build",
        title="Build",
        tab="deploy",
        load=load_build,
        regions={"build": "deploy/build"},
        arguments=("build",),
    )
)


@routes.get("/dashboard/apps/<app>/deploy")
def show_(app: str) -> Response:
    """How to push, and the builds."""
    return _show(visit(app, PAGE))


@routes.get("/dashboard/apps/<app>/deploy/builds/<build>")
def build(app: str, build: str) -> Response:
    """One build with its output."""
    seen = visit(app, arguments={"build": build})
    screen = Screenful()
    row = load_build(seen)["build"]
    screen.advance(seen.services, row.output_id)
    return show(BUILD, seen, screen=screen, output_id=row.output_id, title="Build")


@routes.post("/dashboard/apps/<app>/deploy/builds/<build>/cancel")
def cancel(app: str, build: str) -> Response:
    """End a build."""
    seen = visit(app)
    builds.cancel(seen.services, seen.actor, str(seen.the_app.id), build)
    return go(seen.path("deploy", "builds", build), "Cancelling the build.", "note")


@routes.post("/dashboard/apps/<app>/deploy/rebuild")
def rebuild(app: str) -> Response:
    """Build a branch, a tag or a commit anew."""
    seen = visit(app, PAGE)
    repositories, name = context.dashboard().repositories, str(seen.the_app.id)
    typed = request.form.get("ref", "")
    try:
        made = rebuilds.rebuild(seen.services, repositories, seen.actor, name, typed)
    except KedgeError as error:
        if error.status != 422:
            raise
        return _show(seen, Problem("rebuild", error.message, {"ref": typed}), error.status)
    return go(seen.path("deploy", "builds", made.id), "The build has begun.")


@routes.post("/dashboard/apps/<app>/deploy/forget-cache")
def forget_cache(app: str) -> Response:
    """Have the next build begin from nothing."""
    seen = visit(app)
    builds.forget_cache(seen.services, seen.actor, str(seen.the_app.id))
    return go(seen.path("deploy"), "The next build begins without what earlier ones kept.")


def _show(seen: Visit, problem: Problem | None = None, status: int = 200) -> Response:
    repositories = context.dashboard().repositories
    name = str(seen.the_app.id)
    commits = rebuilds.commits(seen.services, repositories, seen.actor, name, COMMITS)
    return show(PAGE, seen, problem or Problem("", ""), status, commits=commits)
