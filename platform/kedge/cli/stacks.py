"""Stacks: `kedge stack`, `stack:set`, and `stack:build`, which makes this machine's images."""

from __future__ import annotations

import click

from kedge.cli.api import AppApi
from kedge.cli.failure import in_words
from kedge.cli.options import app_for, json_option, on_app
from kedge.cli.screen import app_name, paint, say, show, show_json


@click.command("stack")
@click.argument("action", required=False, type=click.Choice(["build"]))
@click.option("-a", "--app", metavar="APP", help="The app.")
@click.option("-r", "--remote", metavar="NAME", help="The git remote of the app.")
@click.option("--url", metavar="URL", help="The platform to speak to.")
@json_option
@click.pass_context
def stack(
    context: click.Context,
    *,
    action: str | None,
    app: str | None,
    remote: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """List the stacks an app can be built on, its own marked. `kedge stack build` makes images."""
    if action == "build":
        context.invoke(build)
        return
    chosen = app_for(app, remote, url)
    own = chosen.api.get(chosen.path())["build_stack"]["name"]
    stacks = chosen.api.all(chosen.path("available-stacks"))
    if as_json:
        show_json(stacks)
        return
    for name in sorted(row["name"] for row in stacks):
        show(f"{paint('*', 'green')} {paint(name, bold=True)}" if name == own else f"  {name}")


@click.command("stack:build")
@click.option("--rebuild", is_flag=True, help="Make them anew, with today's packages.")
def build(rebuild: bool) -> None:
    """Build the images that builds, dynos and add-ons run in, from the stack's package lists."""
    from kedge import settings  # only here is the platform's own code called
    from kedge.stack import build_images

    declared = settings.load()
    with in_words():
        images = build_images(
            emit=say,
            run_tag=declared.stack_run_image,
            build_tag=declared.stack_build_image,
            addons_tag=declared.stack_addons_image,
            docker_host=declared.docker_host or None,
            rebuild=rebuild,
        )
    show(f"{declared.stack_run_image} {images.run_id}")
    show(f"{declared.stack_build_image} {images.build_id}")
    show(f"{declared.stack_addons_image} {images.addons_id}")


@click.command("stack:set")
@click.argument("name")
@on_app
def set_(app: AppApi, name: str) -> None:
    """Choose the stack of an app; the next build is made on it."""
    changed = app.api.patch(app.path(), {"build_stack": name})
    say(f"The next build of {app_name(app.name)} is made on {changed['build_stack']['name']}.")
