"""Maintenance mode: `kedge maintenance`, `maintenance:on`, `maintenance:off`."""

from __future__ import annotations

import click

from kedge.cli.api import AppApi
from kedge.cli.options import json_option, on_app
from kedge.cli.screen import app_name, say, show, show_json


@click.command("maintenance")
@on_app
@json_option
def show_(app: AppApi, as_json: bool) -> None:
    """Show whether maintenance mode is on."""
    is_on = app.api.get(app.path())["maintenance"]
    if as_json:
        show_json({"maintenance": is_on})
        return
    show("on" if is_on else "off")


@click.command("maintenance:on")
@on_app
def turn_on(app: AppApi) -> None:
    """Answer every visitor with the maintenance page (503, H80)."""
    app.api.patch(app.path(), {"maintenance": True})
    say(f"Maintenance mode of {app_name(app.name)} is on.")


@click.command("maintenance:off")
@on_app
def turn_off(app: AppApi) -> None:
    """Let visitors reach the app again."""
    app.api.patch(app.path(), {"maintenance": False})
    say(f"Maintenance mode of {app_name(app.name)} is off.")
