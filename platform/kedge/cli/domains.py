"""Domains of an app: `kedge domains`, `domains:add`, `domains:remove`."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.options import json_option, on_app
from kedge.cli.screen import app_name, heading, paint, say, show, show_json
from kedge.cli.table import dimmed_header, show_table


@click.command("domains")
@on_app
@json_option
def list_(app: AppApi, as_json: bool) -> None:
    """List the domains of an app."""
    domains = app.api.all(app.path("domains"))
    if as_json:
        show_json(domains)
        return
    heading(f"Domains of {app.name}")
    show_table([dimmed_header("domain", "kind", "DNS target"), *map(_row, domains)], fold=0)


@click.command("domains:add")
@click.argument("hostname")
@on_app
@json_option
def add(app: AppApi, hostname: str, as_json: bool) -> None:
    """Add a domain to an app; its DNS record must lead to this platform."""
    made = app.api.post(app.path("domains"), {"hostname": hostname, "sni_endpoint": None})
    if as_json:
        show_json(made)
        return
    say(f"Added {made['hostname']} to {app_name(app.name)}.")
    if made.get("cname"):
        say("Its DNS record (CNAME or ALIAS) must lead to:")
        show(made["cname"])


@click.command("domains:remove")
@click.argument("hostname")
@on_app
def remove(app: AppApi, hostname: str) -> None:
    """Remove a domain from an app."""
    app.api.delete(app.path("domains", hostname))
    say(f"Removed {hostname} from {app_name(app.name)}.")


def _row(domain: dict[str, Any]) -> list[str]:
    own = domain["kind"] == "heroku"
    kind = "the platform's" if own else "custom"
    return [domain["hostname"], paint(kind, "bright_black"), domain.get("cname") or ""]
