"""Who works on an app: `kedge access` and its commands, and handing an app over."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import Api, AppApi
from kedge.cli.options import json_option, on_app, on_platform
from kedge.cli.screen import app_name, heading, say, show_json
from kedge.cli.table import dimmed_header, show_table

PERMISSIONS = "view, deploy, operate, manage"


@click.command("access")
@on_app
@json_option
def list_(app: AppApi, as_json: bool) -> None:
    """List who has access to an app."""
    found = app.api.all(app.path("collaborators"))
    if as_json:
        show_json(found)
        return
    heading(f"Access to {app.name}")
    show_table([dimmed_header("who", "role", "permissions"), *map(_row, found)], fold=2)


@click.command("access:add")
@click.argument("email")
@click.option("-p", "--permissions", help=f"Comma-separated: {PERMISSIONS}.")
@on_app
def add(app: AppApi, email: str, permissions: str | None) -> None:
    """Let somebody work on an app; without --permissions they may view, deploy and operate."""
    asked: dict[str, Any] = {"user": email}
    if permissions is not None:
        asked["permissions"] = _split(permissions)
    made = app.api.post(app.path("collaborators"), asked)
    say(f"{email} may {_named(made)} on {app_name(app.name)}.")


@click.command("access:update")
@click.argument("email")
@click.option("-p", "--permissions", required=True, help=f"Comma-separated: {PERMISSIONS}.")
@on_app
def update(app: AppApi, email: str, permissions: str) -> None:
    """Give a collaborator other permissions."""
    changed = app.api.patch(app.path("collaborators", email), {"permissions": _split(permissions)})
    say(f"{email} may {_named(changed)} on {app_name(app.name)}.")


@click.command("access:remove")
@click.argument("email")
@on_app
def remove(app: AppApi, email: str) -> None:
    """Take somebody's access to an app away."""
    app.api.delete(app.path("collaborators", email))
    say(f"{email} has no access to {app_name(app.name)} any more.")


@click.command("apps:transfer")
@click.argument("recipient")
@on_app
def transfer(app: AppApi, recipient: str) -> None:
    """Offer an app to another owner, who accepts it with `apps:transfer:accept`."""
    app.api.post("/account/app-transfers", {"app": app.name, "recipient": recipient})
    say(f"Offered {app_name(app.name)} to {recipient}. They accept it with:")
    say(f"  kedge apps:transfer:accept {app.name}")


@click.command("apps:transfer:accept")
@click.argument("app")
@on_platform
def accept(api: Api, app: str) -> None:
    """Accept an app that was offered to you: it is yours from then on."""
    api.patch(f"/account/app-transfers/{app}", {"state": "accepted"})
    say(f"{app_name(app)} is yours.")


@click.command("apps:transfer:cancel")
@click.argument("app")
@on_platform
def cancel(api: Api, app: str) -> None:
    """Take the offer of an app back."""
    api.delete(f"/account/app-transfers/{app}")
    say(f"{app_name(app)} is not offered any more.")


def _split(permissions: str) -> list[str]:
    return [word.strip() for word in permissions.split(",") if word.strip()]


def _named(collaborator: dict[str, Any]) -> str:
    return ", ".join(each["name"] for each in collaborator["permissions"])


def _row(collaborator: dict[str, Any]) -> list[str]:
    return [collaborator["user"]["email"], collaborator["role"], _named(collaborator)]
