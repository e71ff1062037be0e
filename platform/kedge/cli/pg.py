"""Postgres databases: `kedge pg:info`, `pg:credentials`, `pg:reset`, `pg:promote`, …"""

from __future__ import annotations

from typing import Any

import click

from kedge.cli import provisioning
from kedge.cli.api import Api
from kedge.cli.databases import (
    POSTGRES,
    app_of,
    confirm_loss,
    on_database,
    show_facts,
    tell_rotation,
)
from kedge.cli.options import json_option, wait_option
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import app_name, doing, heading, paint, say, show, show_json
from kedge.cli.table import dimmed_header, show_table

confirm_option = click.option(
    "-c", "--confirm", metavar="APP", help="The app's name, instead of typing it."
)


@click.command("pg:info")
@on_database(POSTGRES)
@json_option
def info(api: Api, addon: dict[str, Any], as_json: bool) -> None:
    """Show a Postgres database: its plan, state, size and connections."""
    told = api.get(f"/client/v11/databases/{addon['id']}")
    if as_json:
        show_json({name: value for name, value in told.items() if name != "resource_url"})
        return
    heading(paint(addon["name"], "cyan", bold=True))
    config_vars = ("Config vars", ", ".join(addon["config_vars"]))
    show_facts([*((each["name"], ", ".join(each["values"])) for each in told["info"]),
                config_vars])  # fmt: skip


@click.command("pg:credentials")
@on_database(POSTGRES)
@json_option
def credentials(api: Api, addon: dict[str, Any], as_json: bool) -> None:
    """List the credentials of a Postgres database, without their passwords."""
    listed = api.all(f"/postgres/v0/databases/{addon['id']}/credentials")
    for each in listed:
        for login in each["credentials"]:
            del login["password"]
    if as_json:
        show_json(listed)
        return
    rows = [[each["name"], login["user"], login["state"], str(login["connections"])]
            for each in listed for login in each["credentials"]]  # fmt: skip
    show_table([dimmed_header("credential", "user", "state", "connections"), *rows])


@click.command("pg:credentials:rotate")
@on_database(POSTGRES)
@click.option("--force", is_flag=True, help="End the old password at once, not when apps are up.")
@wait_option
def rotate(api: Api, addon: dict[str, Any], *, force: bool, wait: bool) -> None:
    """Give a Postgres database another user and password; its apps are released with them."""
    app = app_of(api, addon)
    before = provisioning.newest_version(app)
    path = f"/postgres/v0/databases/{addon['id']}/credentials/default/credentials_rotation"
    with doing(f"Rotating the credentials of {addon['name']}"):
        api.post(path, {"forced": force})
    say("done")
    tell_rotation(app, before, wait=wait)


@click.command("pg:reset")
@on_database(POSTGRES, required=True)
@confirm_option
def reset(api: Api, addon: dict[str, Any], confirm: str | None) -> None:
    """Empty a Postgres database. What was in it is only in its backups."""
    confirm_loss(addon, confirm, f"This empties {addon['name']}.")
    with doing(f"Resetting {addon['name']}"):
        api.put(f"/client/v11/databases/{addon['id']}/reset", {})
    say("done")


@click.command("pg:promote")
@on_database(POSTGRES, required=True)
@wait_option
def promote(api: Api, addon: dict[str, Any], wait: bool) -> None:
    """Make a database the app's DATABASE_URL; the one before keeps its other name."""
    app = app_of(api, addon)
    attachments = api.all(app.path("addon-attachments"))
    present = next((each for each in attachments if each["name"] == "DATABASE"), None)
    if present and present["addon"]["id"] == addon["id"]:
        say(f"{addon['name']} is DATABASE_URL already.")
        return
    before = provisioning.newest_version(app)
    if present and not _is_known_otherwise(attachments, present):
        with doing(f"Giving {present['addon']['name']} another name"):
            asked = {"addon": present["addon"]["id"], "app": app.name}
            other = api.post("/addon-attachments", asked)
        say(f"{other['name']}_URL")
    with doing(f"Promoting {addon['name']} to DATABASE_URL on {app_name(app.name)}"):
        asked = {"addon": addon["id"], "app": app.name, "name": "DATABASE", "confirm": app.name}
        api.post("/addon-attachments", asked)
    say("done")
    version = provisioning.tell_release(app, before)
    if wait and version:
        wait_for_release(app, version)


@click.command("pg:fork")
@on_database(POSTGRES, required=True)
@click.option("--plan", default="", help="The new database's plan; else the same.")
@click.option("--as", "name", metavar="NAME", help="What its config vars begin with.")
@click.option("--wait/--no-wait", default=True, help="Wait until it is there (default), or not.")
def fork(api: Api, addon: dict[str, Any], *, plan: str, name: str | None, wait: bool) -> None:
    """Create a database of the same app with what is in this one now."""
    app = app_of(api, addon)
    url = api.get(f"/client/v11/databases/{addon['id']}")["resource_url"]
    wanted = f"{POSTGRES}:{plan}" if plan else addon["plan"]["name"]
    asked: dict[str, Any] = {"plan": wanted, "config": {"fork": url}}
    asked |= {"attachment": {"name": name}} if name else {}
    before = provisioning.newest_version(app)
    with doing(f"Creating {wanted} on {app_name(app.name)} as a fork of {addon['name']}"):
        made = api.post(app.path("addons"), asked)
    say("")
    show(provisioning.attend(app, made, before, wait=wait)["name"])


@click.command("pg:ps")
@on_database(POSTGRES)
@json_option
def ps(api: Api, addon: dict[str, Any], as_json: bool) -> None:
    """List who is connected to a Postgres database, and what runs in it."""
    listed = api.all(f"/kedge/databases/{addon['id']}/processes")
    if as_json:
        show_json(listed)
    elif not listed:
        say(f"Nobody is connected to {addon['name']}.")
    else:
        rows = [[str(each["pid"]), str(each["state"] or ""), str(each["application_name"] or ""),
                 _seconds(each["query_seconds"]), _one_line(each["query"])]
                for each in listed]  # fmt: skip
        show_table([dimmed_header("pid", "state", "from", "since", "query"), *rows])


@click.command("pg:kill")
@click.argument("pid", type=click.IntRange(1))
@on_database(POSTGRES)
@click.option("-f", "--force", is_flag=True, help="End its connection, not only the query.")
def kill(api: Api, addon: dict[str, Any], pid: int, force: bool) -> None:
    """Cancel a query of a Postgres database, by the number `kedge pg:ps` shows."""
    path = f"/kedge/databases/{addon['id']}/processes/{pid}/stop"
    was = api.post(path, {"force": force})["stopped"]
    say(f"{pid} was {'ended' if force else 'canceled'}." if was else f"There is no process {pid}.")


@click.command("pg:killall")
@on_database(POSTGRES)
def killall(api: Api, addon: dict[str, Any]) -> None:
    """End all connections of a Postgres database; apps connect again by themselves."""
    with doing(f"Ending all connections of {addon['name']}"):
        told = api.post(f"/client/v11/databases/{addon['id']}/connection_reset", {})
    say(f"done, there were {told['ended']}")


@click.command("pg:outliers")
@on_database(POSTGRES)
@json_option
@click.option("-n", "--num", default=10, show_default=True, help="How many.")
@click.option("--reset", "forget", is_flag=True, help="Count anew from now on.")
def outliers(api: Api, addon: dict[str, Any], *, as_json: bool, num: int, forget: bool) -> None:
    """List the slow queries of a Postgres database: those that took most of its time."""
    if forget:
        api.put(f"/client/v11/databases/{addon['id']}/stats_reset", {})
        say(f"The queries of {addon['name']} are counted from now on.")
        return
    listed = api.get(f"/kedge/databases/{addon['id']}/slow-queries")["queries"][:num]
    if as_json:
        show_json(listed)
    elif not listed:
        say("No query was counted yet.")
    else:
        rows = [[_milliseconds(each["total_ms"]), f"{each['percent'] or 0:.1f} %",
                 str(each["calls"]), _milliseconds(each["mean_ms"]), _one_line(each["query"])]
                for each in listed]  # fmt: skip
        show_table([dimmed_header("total", "share", "calls", "mean", "query"), *rows])


def _is_known_otherwise(attachments: list[dict[str, Any]], present: dict[str, Any]) -> bool:
    """Whether the app has what is `DATABASE` now by another name too."""
    return any(
        each["addon"]["id"] == present["addon"]["id"] and each["id"] != present["id"]
        for each in attachments
    )


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())[:200]


def _seconds(number: float | None) -> str:
    return "" if number is None else f"{number:.1f} s"


def _milliseconds(number: float) -> str:
    return f"{number / 1000:.2f} s" if number >= 1000 else f"{number:.2f} ms"
