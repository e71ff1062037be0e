"""The people of a platform: `kedge users`, `users:invite`, …; and `kedge dashboard`."""

from __future__ import annotations

import webbrowser
from typing import Any

import click

from kedge.cli.api import Api
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_platform
from kedge.cli.screen import heading, is_terminal, say, show, show_json
from kedge.cli.table import dimmed_header, show_table


@click.command("dashboard")
@on_platform
@click.option("--no-open", is_flag=True, help="Only print the link.")
def dashboard(api: Api, no_open: bool) -> None:
    """Open the dashboard, signed in by a link that is good once, for five minutes."""
    url = api.post("/kedge/sign-in-links", {})["url"]
    show(url)
    if not no_open and is_terminal() and webbrowser.open(url):
        say("Opened in your browser.")


@click.command("users")
@on_platform
@json_option
def list_(api: Api, as_json: bool) -> None:
    """List the users of the platform. For its owners."""
    found = api.all("/kedge/users")
    if as_json:
        show_json(found)
        return
    heading("Users")
    show_table([dimmed_header("who", "role", "state", "since"), *map(_row, found)], fold=0)
    invited = api.all("/kedge/invitations")
    if invited:
        say(f"Invited: {', '.join(each['email'] for each in invited)}.")


@click.command("users:invite")
@click.argument("email")
@click.option("--owner", is_flag=True, help="Make them an owner of the platform.")
@on_platform
def invite(api: Api, email: str, owner: bool) -> None:
    """Invite somebody to the platform; prints the link to send to them. For owners."""
    made = api.post("/kedge/invitations", {"email": email, "is_owner": owner})
    say(f"Send this link to {made['email']}. It is good once, for a week:")
    show(made["url"])


@click.command("users:suspend")
@click.argument("email")
@on_platform
def suspend(api: Api, email: str) -> None:
    """Keep a user out: sessions and tokens end at once, their apps go on. For owners."""
    api.patch(f"/kedge/users/{email}", {"suspended": True})
    say(f"{email} is suspended.")


@click.command("users:resume")
@click.argument("email")
@on_platform
def resume(api: Api, email: str) -> None:
    """Let a suspended user in again. For owners."""
    api.patch(f"/kedge/users/{email}", {"suspended": False})
    say(f"{email} may sign in again.")


@click.command("users:remove")
@click.argument("email")
@on_platform
def remove(api: Api, email: str) -> None:
    """Remove a user who made no release and owns no app. For owners."""
    api.delete(f"/kedge/users/{email}")
    say(f"{email} is removed.")


def _row(user: dict[str, Any]) -> list[str]:
    role = "owner" if user["is_owner"] else "user"
    state = "suspended" if user["suspended"] else "active"
    return [user["email"], role, state, ago(user["created_at"])]
