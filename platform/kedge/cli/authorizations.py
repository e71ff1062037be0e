"""Tokens of one's own: `kedge authorizations`, `authorizations:create`, …"""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import Api
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_platform
from kedge.cli.screen import doing, heading, say, show, show_json
from kedge.cli.table import dimmed_header, show_table

SCOPES = "global, identity, read, write, read-protected, write-protected"


@click.command("authorizations")
@on_platform
@json_option
def list_(api: Api, as_json: bool) -> None:
    """List your tokens: what they are for and what they may be used for."""
    found = api.all("/oauth/authorizations")
    if as_json:
        show_json(found)
        return
    heading("Authorizations")
    show_table([dimmed_header("description", "id", "scope", "expires"), *map(_row, found)], fold=0)


@click.command("authorizations:create")
@click.option("-d", "--description", help="What it is for.")
@click.option("-s", "--scope", help=f"Comma-separated: {SCOPES}.")
@click.option("-e", "--expires-in", type=int, metavar="SECONDS", help="It is worthless after.")
@click.option("-S", "--short", is_flag=True, help="Print the token alone.")
@on_platform
@json_option
def create(
    api: Api,
    *,
    description: str | None,
    scope: str | None,
    expires_in: int | None,
    short: bool,
    as_json: bool,
) -> None:
    """Create a token; it is shown this once. Without --scope it may do all you may do."""
    asked: dict[str, Any] = {"description": description, "expires_in": expires_in}
    asked["scope"] = _split(scope) if scope else ["global"]
    with doing("Creating an authorization"):
        made = api.post("/oauth/authorizations", asked)
    say("done")
    if short:
        show(made["access_token"]["token"])
    else:
        _show(made, as_json=as_json)


@click.command("authorizations:info")
@click.argument("identity", metavar="ID")
@on_platform
@json_option
def info(api: Api, identity: str, as_json: bool) -> None:
    """Show one of your tokens; ~ is the one in use."""
    _show(api.get(_path(identity)), as_json=as_json)


@click.command("authorizations:update")
@click.argument("identity", metavar="ID")
@click.option("-d", "--description", required=True, help="What it is for.")
@on_platform
def update(api: Api, identity: str, description: str) -> None:
    """Give one of your tokens another description."""
    changed = api.patch(_path(identity), {"description": description})
    say(f"It is called {changed['description']} now.")


@click.command("authorizations:rotate")
@click.argument("identity", metavar="ID")
@on_platform
@json_option
def rotate(api: Api, identity: str, as_json: bool) -> None:
    """Put another token in the place of one of yours, which is worthless from then on."""
    with doing("Rotating the authorization"):
        made = api.post(f"{_path(identity)}/actions/regenerate-tokens", {})
    say("done")
    _show(made, as_json=as_json)


@click.command("authorizations:revoke")
@click.argument("identity", metavar="ID")
@on_platform
def revoke(api: Api, identity: str) -> None:
    """Make one of your tokens worthless."""
    with doing("Revoking the authorization"):
        gone = api.delete(_path(identity))
    say(f"done, {gone['description']} is worthless")


def _path(identity: str) -> str:
    return f"/oauth/authorizations/{identity}"


def _show(authorization: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(authorization)
        return
    facts = [
        ("ID", authorization["id"]),
        ("Description", authorization["description"]),
        ("Scope", ", ".join(authorization["scope"])),
        ("Token", authorization["access_token"]["token"]),
        ("Expires", _expires(authorization)),
        ("Updated", ago(authorization["updated_at"])),
    ]
    show_table([[click.style(f"{label}:", fg="cyan"), value] for label, value in facts])


def _row(authorization: dict[str, Any]) -> list[str]:
    scopes = ", ".join(authorization["scope"])
    expires = _expires(authorization)
    return [authorization["description"], authorization["id"], scopes, expires]


def _expires(authorization: dict[str, Any]) -> str:
    seconds = authorization["access_token"]["expires_in"]
    if seconds is None:
        return "never"
    return f"in {seconds // 86_400} days" if seconds >= 172_800 else f"in {seconds // 60} minutes"


def _split(written: str) -> list[str]:
    return [each.strip() for each in written.split(",") if each.strip()]
