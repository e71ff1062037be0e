"""What add-ons are attached as: `kedge addons:attach`, `addons:detach`."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli import provisioning
from kedge.cli.api import AppApi
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.options import on_app, wait_option
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import app_name, confirmed, doing, is_terminal, paint, say


@click.command("addons:attach")
@click.argument("addon")
@on_app
@wait_option
@click.option("--as", "name", metavar="NAME", help="What its config vars begin with there.")
@click.option("-c", "--confirm", metavar="APP", help="The app's name: replace what has the name.")
def attach(app: AppApi, *, addon: str, wait: bool, name: str | None, confirm: str | None) -> None:
    """Attach an add-on, of this app or of another, to an app."""
    meant = provisioning.found(app.api, addon, app.name)
    asked = {"addon": meant["id"], "app": app.name, "name": name, "confirm": confirm}
    given = {key: value for key, value in asked.items() if value}
    before = provisioning.newest_version(app)
    what = f"{meant['name']} as {paint(name, 'green')}" if name else meant["name"]
    try:
        with doing(f"Attaching {what} to {app_name(app.name)}"):
            made = app.api.post("/addon-attachments", given)
    except ApiRefused as refused:
        if refused.status != 423 or confirm or not is_terminal():
            raise
        if not confirmed(f"{refused.message} Go on?"):
            raise CommandFailed("Not attached.") from None
        made = app.api.post("/addon-attachments", given | {"confirm": app.name})
    say(f"done, as {paint(made['name'], 'green')}")
    version = provisioning.tell_release(app, before)
    if wait and version:
        wait_for_release(app, version)


@click.command("addons:detach")
@click.argument("attachment")
@on_app
@wait_option
def detach(app: AppApi, attachment: str, wait: bool) -> None:
    """Detach an add-on from an app, by what it is attached as; the add-on itself stays."""
    found = _found(app, attachment)
    before = provisioning.newest_version(app)
    with doing(f"Detaching {found['name']} ({found['addon']['name']}) from {app_name(app.name)}"):
        app.api.delete(f"/addon-attachments/{found['id']}")
    say("done")
    version = provisioning.tell_release(app, before)
    if wait and version:
        wait_for_release(app, version)


def _found(app: AppApi, attachment: str) -> dict[str, Any]:
    """What is attached to an app under a name. Raises CommandFailed."""
    try:
        found: dict[str, Any] = app.api.get(app.path("addon-attachments", attachment))
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        words = f"Nothing is attached to {app.name} as {attachment}."
        raise CommandFailed(words, f"`kedge addons -a {app.name}` lists what is.") from None
    return found
