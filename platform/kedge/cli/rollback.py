"""`kedge rollback`: shows what would change, asks, and waits until it is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.difference import titled
from kedge.cli.failure import CommandFailed
from kedge.cli.options import on_app, wait_option
from kedge.cli.releases import VERSION, get, going_back
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import app_name, confirmed, is_terminal, say


@click.command("rollback")
@click.argument("version", type=VERSION, required=False)
@on_app
@wait_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def rollback(app: AppApi, version: int | None, wait: bool, yes: bool) -> None:
    """Go back to an earlier release: its code and its config, as a new release.

    Without a number: to the newest release before the live one that can be gone back to. Data in
    databases and other add-ons stay as they are.
    """
    newest_first = app.api.each(app.path("releases"), "version ..; order=desc,max=50")
    head = next((release for release in newest_first if release["current"]), None)
    if head is None:
        raise CommandFailed(f"No release of {app.name} is live.", "Deploy with `git push kedge`.")
    chosen = _before(app, head, newest_first) if version is None else get(app, version)
    for line in titled(going_back(app, int(chosen["version"]))):
        say(line)
    question = f"Roll {app.name} back from v{head['version']} to v{chosen['version']}?"
    if not yes and is_terminal() and not confirmed(question):
        raise CommandFailed("Not rolled back.")
    made = app.api.post(app.path("releases"), {"release": chosen["id"]})
    say(f"Rolling {app_name(app.name)} back to v{chosen['version']}... v{made['version']}")
    if wait:
        wait_for_release(app, int(made["version"]))


def _before(app: AppApi, head: dict[str, Any], older: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """The first of the releases older than the live one that can be gone back to."""
    for release in older:
        if release.get("eligible_for_rollback"):
            return release
    raise CommandFailed(
        f"There is no release of {app.name} before v{head['version']} to go back to.",
        f"`kedge releases -a {app.name}` lists them all.",
    )
