"""What add-ons there are: `kedge addons:services`, `addons:plans`, `addons:docs`, manifests."""

from __future__ import annotations

import json
import sys
import webbrowser
from pathlib import Path
from typing import Any

import click

from kedge.cli import provisioning
from kedge.cli.api import Api, segment
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.options import json_option, on_platform
from kedge.cli.screen import heading, is_terminal, paint, say, show, show_json
from kedge.cli.table import dimmed_header, show_table


@click.command("addons:services")
@on_platform
@json_option
def list_(api: Api, as_json: bool) -> None:
    """List the add-on services one can choose from."""
    services = api.all("/addon-services")
    if as_json:
        show_json(services)
    elif not services:
        say("There are none. `kedge addons:services:add manifest.json` adds one.")
    else:
        heading("Add-on services")
        rows = [[paint(each["name"], "cyan"), each["human_name"], each["state"]]
                for each in services]  # fmt: skip
        show_table([dimmed_header("slug", "name", "state"), *rows])


@click.command("addons:plans")
@click.argument("service")
@on_platform
@json_option
def plans(api: Api, service: str, as_json: bool) -> None:
    """List the plans of an add-on service, with what each is for."""
    try:
        found = api.all(f"/addon-services/{segment(service)}/plans")
    except ApiRefused as refused:
        raise CommandFailed(refused.message, "`kedge addons:services` lists them.") from None
    if as_json:
        show_json(found)
        return
    heading(f"Plans of {service}")
    rows = [["default" if each["default"] else "", paint(each["name"], "cyan"),
             each["human_name"], _price(each["price"]), each["description"]]
            for each in found]  # fmt: skip
    show_table([dimmed_header("", "slug", "name", "price", "description"), *rows])


@click.command("addons:docs")
@click.argument("service", metavar="SERVICE|ADDON")
@on_platform
@click.option("-a", "--app", metavar="APP", help="The app that has the add-on.")
def docs(api: Api, service: str, app: str | None) -> None:
    """Open the documentation of an add-on service; prints its address."""
    name = service.partition(":")[0]
    try:
        found = api.get(f"/addon-services/{segment(name)}")
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        addon = provisioning.found(api, service, app)
        found = api.get(f"/addon-services/{segment(addon['addon_service']['name'])}")
    if not found.get("docs_url"):
        raise CommandFailed(f"{found['human_name']} names no documentation in its manifest.")
    show(found["docs_url"])
    if is_terminal():
        webbrowser.open(found["docs_url"])


@click.command("addons:services:add")
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@on_platform
@json_option
def add(api: Api, manifest: str, as_json: bool) -> None:
    """Offer the service of an add-on manifest, or change it by a newer one. For owners."""
    written = sys.stdin.read() if manifest == "-" else Path(manifest).read_text("utf-8")
    try:
        parsed: Any = json.loads(written)
    except ValueError as error:
        raise CommandFailed(f"{manifest} is not JSON: {error}.") from None
    made = api.post("/kedge/addon-services", parsed)
    if as_json:
        show_json(made)
        return
    say(f"{paint(made['name'], 'cyan', bold=True)} is offered on {api.target.url}.")
    say(f"`kedge addons:create {made['name']} -a APP` creates one.")


@click.command("addons:services:remove")
@click.argument("service")
@on_platform
def remove(api: Api, service: str) -> None:
    """Offer an add-on service no longer; refused while there are add-ons of it. For owners."""
    api.delete(f"/kedge/addon-services/{segment(service)}")
    say(f"{service} is offered no longer.")


def _price(price: dict[str, Any]) -> str:
    return "free" if not price["cents"] else f"${price['cents'] / 100:.2f}/{price['unit']}"
