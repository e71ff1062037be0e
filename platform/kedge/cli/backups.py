"""Backups of Postgres databases: `kedge pg:backups`, `pg:backups:capture`, …"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from kedge.cli import transfer
from kedge.cli.api import Api, AppApi
from kedge.cli.databases import (
    POSTGRES,
    app_of,
    confirm_loss,
    meant,
    on_database,
    show_facts,
    size,
)
from kedge.cli.failure import CommandFailed
from kedge.cli.moment import ago, local
from kedge.cli.options import json_option, on_app
from kedge.cli.pg import confirm_option
from kedge.cli.progress import Progress
from kedge.cli.screen import doing, heading, say, show, show_json
from kedge.cli.table import dimmed_header, show_table

AT = re.compile(r"(?P<hour>[01]?\d|2[0-3])(?::00)?(?:\s+(?P<zone>\S+))?")
PIECE_BYTES = 1 << 20
no_wait_option = click.option(
    "--wait/--no-wait", default=True, help="Wait until it has ended (default), or not."
)


@click.command("pg:backups")
@on_app
@json_option
def list_(app: AppApi, as_json: bool) -> None:
    """List the backups, restores and copies of an app's Postgres databases."""
    listed = transfer.all_of(app)
    if as_json:
        show_json(listed)
    elif not listed:
        say(f"No backups yet. `kedge pg:backups:capture -a {app.name}` makes one.")
    else:
        for kind, title in (("backup", "Backups"), ("restore", "Restores"), ("copy", "Copies")):
            _show_listed([each for each in listed if each["kedge"]["kind"] == kind], title)


@click.command("pg:backups:info")
@click.argument("backup", required=False)
@on_app
@json_option
def info(app: AppApi, backup: str | None, as_json: bool) -> None:
    """Show a backup, restore or copy with its log; the newest backup when none is named."""
    found = transfer.with_log(app, transfer.named(app, backup))
    if as_json:
        show_json(found)
        return
    told = found["kedge"]
    heading(transfer.title(found))
    facts = [
        ("Database", told["to_name"]),
        ("Status", transfer.status(found)),
        ("Why", told["reason"] or ""),
        ("Begun", local(told["started_at"])),
        ("Ended", local(told["finished_at"])),
        ("Size", f"{size(told['size_bytes'])} of {size(told['source_bytes'])}"),
        ("Rows", f"{told['rows']} in {told['tables']} tables" if told["rows"] is not None else ""),
        ("Dumped in", _seconds(told["dump_seconds"])),
        ("Restored in", _seconds(told["restore_seconds"])),
        ("SHA-256", told.get("sha256") or ""),
        ("Kept in", told["store"] or ""),
        ("Kept until", local(told["expires_at"])),
    ]
    show_facts([(name, value) for name, value in facts if value])
    show()
    for line in found["logs"]:
        show(f"{local(line['created_at'])} {line['message']}")


@click.command("pg:backups:capture")
@on_database(POSTGRES)
@no_wait_option
def capture(api: Api, addon: dict[str, Any], wait: bool) -> None:
    """Back a Postgres database up, and prove it by restoring it into a throw-away server."""
    made = api.post(f"/client/v11/databases/{addon['id']}/backups", {})
    _attend(app_of(api, addon), made, f"Backing up {addon['name']}", wait=wait)


@click.command("pg:backups:restore")
@click.argument("backup", required=False)
@on_database(POSTGRES)
@confirm_option
@no_wait_option
def restore(
    api: Api, addon: dict[str, Any], *, backup: str | None, confirm: str | None, wait: bool
) -> None:
    """Replace what is in a Postgres database by a backup: b007, APP::b007, or the newest.

    The database serves on until the restored one is whole, and is as it was when that fails.
    """
    source_app, _, number = (backup or "").rpartition("::")
    app = AppApi(api, source_app) if source_app else app_of(api, addon)
    found = transfer.named(app, number or None)
    confirm_loss(addon, confirm,
                 f"This puts {transfer.title(found)} in the place of {addon['name']}.")  # fmt: skip
    body = {"backup_url": found["to_url"]}
    made = api.post(f"/client/v11/databases/{addon['id']}/restores", body)
    doing_ = f"Restoring {transfer.title(found)} to {addon['name']}"
    _attend(app_of(api, addon), made, doing_, wait=wait)


@click.command("pg:copy")
@click.argument("source")
@click.argument("target")
@on_app
@confirm_option
@no_wait_option
def copy(app: AppApi, *, source: str, target: str, confirm: str | None, wait: bool) -> None:
    """Replace what is in the database TARGET by what is in SOURCE (`APP::NAME`: another app's)."""
    origin = meant(app.api, POSTGRES, source, app.name)
    addon = meant(app.api, POSTGRES, target, app.name)
    confirm_loss(addon, confirm, f"This puts a copy of {origin['name']} in {addon['name']}.")
    made = app.api.post(f"/client/v11/databases/{addon['id']}/transfers", {"from": origin["id"]})
    doing_ = f"Copying {origin['name']} to {addon['name']}"
    _attend(app_of(app.api, addon), made, doing_, wait=wait)


@click.command("pg:backups:cancel")
@click.argument("backup", required=False)
@on_app
def cancel(app: AppApi, backup: str | None) -> None:
    """End a backup, restore or copy that goes on; the newest when none is named."""
    found = transfer.named(app, backup) if backup else transfer.going_on(app)
    with doing(f"Canceling {transfer.title(found)}"):
        app.api.post(transfer.path(app, found, "actions", "cancel"), {})
    say("done")


@click.command("pg:backups:delete")
@click.argument("backup")
@on_app
@confirm_option
def delete(app: AppApi, backup: str, confirm: str | None) -> None:
    """Remove a backup for good."""
    found = transfer.named(app, backup)
    confirm_loss({"name": transfer.title(found), "app": {"name": app.name}}, confirm,
                 f"This removes the backup {transfer.title(found)}.")  # fmt: skip
    with doing(f"Deleting {transfer.title(found)}"):
        app.api.delete(transfer.path(app, found))
    say("done")


@click.command("pg:backups:url")
@click.argument("backup", required=False)
@on_app
def url(app: AppApi, backup: str | None) -> None:
    """Print an address anybody can download a backup from, for an hour."""
    found = transfer.named(app, backup)
    told = app.api.post(transfer.path(app, found, "actions", "public-url"), {})
    show(told["url"])
    say(f"Good until {local(told['expires_at'])}.")


@click.command("pg:backups:download")
@click.argument("backup", required=False)
@on_app
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; else bNNN.dump.")
def download(app: AppApi, backup: str | None, output: Path | None) -> None:
    """Download a backup, the newest when none is named; `pg_restore` reads it."""
    found = transfer.named(app, backup)
    told = app.api.post(transfer.path(app, found, "actions", "public-url"), {})
    place = output or Path(f"{transfer.title(found)}.dump")
    part = place.with_name(f"{place.name}.part")
    whole, done = int(found["processed_bytes"]), 0
    with app.api.open("GET", told["url"], read_seconds=60.0) as answer, Progress() as line:
        if answer.status_code != 200:
            raise CommandFailed("The backup cannot be downloaded now.", "Try again in a moment.")
        with part.open("wb") as file:
            for piece in answer.iter_bytes(PIECE_BYTES):
                file.write(piece)
                done += len(piece)
                if sys.stderr.isatty():
                    line.show(f"Downloading {transfer.title(found)}: {size(done)} of {size(whole)}")
    if done != whole:
        part.unlink()
        raise CommandFailed(f"The download broke off after {size(done)}.", "Try again.")
    shutil.move(part, place)
    say(f"{place}: {size(done)}. `pg_restore --no-owner -d DATABASE {place}` restores it.")


@click.command("pg:backups:schedule")
@on_database(POSTGRES)
@click.option("--at", required=True, metavar="'HH:00 ZONE'", help="As '02:00 Europe/Zurich'.")
def schedule(api: Api, addon: dict[str, Any], at: str) -> None:
    """Have a Postgres database backed up every day, at an hour of a time zone (else UTC)."""
    meant_at = AT.fullmatch(at.strip())
    if not meant_at:
        raise click.UsageError(f"--at {at!r} is not like '02:00 Europe/Zurich'.")
    body = {"hour": int(meant_at["hour"]), "timezone": meant_at["zone"] or "UTC"}
    with doing(f"Scheduling daily backups of {addon['name']}"):
        made = api.post(f"/client/v11/databases/{addon['id']}/transfer-schedules", body)
    say(f"done, the next at {local(made['next_at'])}")


@click.command("pg:backups:unschedule")
@on_database(POSTGRES)
def unschedule(api: Api, addon: dict[str, Any]) -> None:
    """Make no more daily backups of a Postgres database; those made stay."""
    place = f"/client/v11/databases/{addon['id']}/transfer-schedules"
    listed = api.all(place)
    for each in listed:
        api.delete(f"{place}/{each['uuid']}")
    say(f"{addon['name']} is no longer backed up daily." if listed
        else f"{addon['name']} had no schedule.")  # fmt: skip


@click.command("pg:backups:schedules")
@on_app
@json_option
def schedules(app: AppApi, as_json: bool) -> None:
    """List when the Postgres databases of an app are backed up."""
    addons = [each for each in app.api.all(app.path("addons"))
              if each["addon_service"]["name"] == POSTGRES]  # fmt: skip
    found = [{**schedule, "database": each["name"]} for each in addons
             for schedule in app.api.all(
                 f"/client/v11/databases/{each['id']}/transfer-schedules")]  # fmt: skip
    if as_json:
        show_json(found)
    elif not found:
        say("No daily backups. `kedge pg:backups:schedule --at '02:00 UTC'` begins them.")
    else:
        rows = [[each["database"], f"daily at {each['hour']}:00 {each['timezone']}",
                 local(each["next_at"]), each["last_state"] or ""] for each in found]  # fmt: skip
        show_table([dimmed_header("database", "when", "next", "last"), *rows])


def _attend(app: AppApi, made: dict[str, Any], doing_: str, *, wait: bool) -> None:
    name = transfer.title(made)
    if wait:
        transfer.attend(app, made, doing_)
    else:
        say(f"{doing_}: {name}. `kedge pg:backups:info {name} -a {app.name}` tells how it goes.")
    show(name)


def _show_listed(listed: list[dict[str, Any]], title: str) -> None:
    if not listed:
        return
    heading(title)
    rows = [[transfer.title(each), each["kedge"]["from_name"], ago(each["created_at"]),
             transfer.status(each), size(each["processed_bytes"]),
             each["kedge"]["to_name"] if each["kedge"]["kind"] != "backup"
             else "daily" if each["kedge"]["is_scheduled"] else ""] for each in listed]  # fmt: skip
    show_table([dimmed_header("id", "of", "begun", "status", "size", ""), *rows], fold=3)


def _seconds(number: float | None) -> str:
    return "" if number is None else f"{number:.1f} s"
