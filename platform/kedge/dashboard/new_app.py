"""A new app."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context, paths
from kedge.dashboard.answers import NO_PROBLEM, Problem, framed, go
from kedge.errors import KedgeError
from kedge.ops import apps, buildpacks

routes = Blueprint("new_app", __name__)


@routes.get("/dashboard/new")
def form() -> Response:
    """Where a new app is named."""
    return _form(NO_PROBLEM)


@routes.post("/dashboard/new")
def create() -> Response:
    """A new app; without a name one is made up."""
    name, buildpack = request.form.get("name", "").strip(), request.form.get("buildpack", "")
    if buildpack:
        buildpacks.check(buildpack)
    try:
        app = apps.create(context.services(), context.actor(), name or None)
    except KedgeError as error:
        if error.status >= 500:
            raise
        typed = {"name": name, "buildpack": buildpack}
        return _form(Problem("new", error.message, typed), error.status)
    if buildpack:
        buildpacks.install(context.services(), context.actor(), app.name, [buildpack])
    return go(paths.app(app.name, "deploy"), f"{app.name} is there. Now push its code.")


def _form(problem: Problem, status: int = 200) -> Response:
    domain = context.services().settings.domain
    return framed(
        "new_app", status, title="New app", problem=problem, builtin=buildpacks.BUILTIN,
        domain=domain,
    )  # fmt: skip
