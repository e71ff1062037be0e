"""Buildpacks of an app: `kedge buildpacks`, `:set`, `:add`, `:remove`, `:clear`."""

from __future__ import annotations

import click

from kedge.cli.api import AppApi
from kedge.cli.failure import CommandFailed
from kedge.cli.options import json_option, on_app
from kedge.cli.screen import app_name, heading, say, show, show_json

_index = click.option("-i", "--index", type=click.IntRange(min=1), help="Its place, from 1.")


@click.command("buildpacks")
@on_app
@json_option
def list_(app: AppApi, as_json: bool) -> None:
    """List the buildpacks of an app, in the order they run."""
    installed = app.api.all(app.path("buildpack-installations"))
    if as_json:
        show_json(installed)
    elif not installed:
        say(f"{app_name(app.name)} has no buildpacks set: they are detected at each build.")
    else:
        heading(f"Buildpacks of {app.name}")
        for number, buildpack in enumerate(_names(installed), 1):
            show(f"{number}. {buildpack}")


@click.command("buildpacks:set")
@click.argument("buildpack")
@on_app
@_index
def set_(app: AppApi, buildpack: str, index: int | None) -> None:
    """Set the buildpack, or with `--index` the one at that place."""
    names = _current(app)
    place = (index or 1) - 1
    names[place : place + 1] = [buildpack]
    _put(app, names)


@click.command("buildpacks:add")
@click.argument("buildpack")
@on_app
@_index
def add(app: AppApi, buildpack: str, index: int | None) -> None:
    """Add a buildpack after the others, or with `--index` at that place."""
    names = _current(app)
    if buildpack in names:
        raise CommandFailed(f"{buildpack} is set already.")
    names.insert(len(names) if index is None else index - 1, buildpack)
    _put(app, names)


@click.command("buildpacks:remove")
@click.argument("buildpack", required=False)
@on_app
@_index
def remove(app: AppApi, buildpack: str | None, index: int | None) -> None:
    """Remove a buildpack, by its name or its place."""
    names = _current(app)
    if (buildpack is None) == (index is None):
        raise click.UsageError("Name the buildpack, or its place with --index.")
    chosen = buildpack if index is None else dict(enumerate(names, 1)).get(index)
    if chosen not in names:
        raise CommandFailed(
            f"{app.name} has no buildpack {buildpack or f'number {index}'}.",
            f"`kedge buildpacks -a {app.name}` lists them.",
        )
    _put(app, [name for name in names if name != chosen])


@click.command("buildpacks:clear")
@on_app
def clear(app: AppApi) -> None:
    """Remove every buildpack: the next build detects which one fits."""
    _put(app, [])


def _current(app: AppApi) -> list[str]:
    return _names(app.api.all(app.path("buildpack-installations")))


def _names(installed: list[dict[str, dict[str, str]]]) -> list[str]:
    return [row["buildpack"].get("name") or row["buildpack"]["url"] for row in installed]


def _put(app: AppApi, names: list[str]) -> None:
    updates = [{"buildpack": name} for name in names]
    app.api.put(app.path("buildpack-installations"), {"updates": updates})
    now = ", ".join(names) or "none: they are detected"
    say(f"Buildpacks of {app_name(app.name)} from the next build on: {now}.")
