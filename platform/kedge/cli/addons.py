"""Add-ons of apps: `kedge addons`, `addons:create`, `addons:info`, `addons:destroy`, …"""

from __future__ import annotations

import uuid
from typing import Any

import click

from kedge.cli import provisioning
from kedge.cli.api import Api, AppApi
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_app, on_platform
from kedge.cli.provisioning import found, on_addon
from kedge.cli.screen import (
    app_name,
    doing,
    heading,
    is_terminal,
    paint,
    say,
    show,
    show_json,
)
from kedge.cli.table import dimmed_header, show_table

# Heroku's words for states, as its own command line shows them.
_STATES = {
    "provisioned": ("created", "green"),
    "provisioning": ("creating", "yellow"),
    "deprovisioning": ("destroying", "bright_black"),
    "deprovisioned": ("errored", "red"),
    "failed": ("errored", "red"),
}


@click.command("addons")
@on_platform
@json_option
@click.option("-a", "--app", metavar="APP", help="The app.")
@click.option("-r", "--remote", metavar="NAME", help="The git remote of the app.")
@click.option("-A", "--all", "everywhere", is_flag=True, help="Of all your apps.")
def list_(
    api: Api, *, as_json: bool, app: str | None, remote: str | None, everywhere: bool
) -> None:
    """List the add-ons of an app with what they are attached as, or of all apps."""
    name = None if everywhere else provisioning.app_or_none(app, remote)
    addons = api.all(AppApi(api, name).path("addons") if name else "/addons")
    if as_json:
        show_json(addons)
        return
    attachments = api.all("/addon-attachments")
    if name:
        _show_of_app(name, addons, attachments)
    elif not addons:
        say("None of your apps has add-ons. `kedge addons:services` lists what there is.")
    else:
        heading("Add-ons of all apps")
        show_table([dimmed_header("app", "add-on", "plan", "price", "state"),
                    *(_row_of_all(addon) for addon in addons)], fold=1)  # fmt: skip


@click.command("addons:create")
@click.argument("plan", metavar="SERVICE[:PLAN]")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTIONS]")
@on_app
@json_option
@click.option("--as", "attachment", metavar="NAME", help="What its config vars begin with.")
@click.option("--name", help="What it is called; made up when not given.")
@click.option("--wait/--no-wait", default=True, help="Wait until it is there (default), or not.")
def create(
    app: AppApi,
    *,
    plan: str,
    options: tuple[str, ...],
    as_json: bool,
    attachment: str | None,
    name: str | None,
    wait: bool,
) -> None:
    """Create an add-on for an app; it is attached when its provider is done.

    What comes after `--` is for the provider: `-- --fork postgresql-clear-12345`.
    """
    asked: dict[str, Any] = {"plan": plan, "config": provisioning.options_of(options)}
    asked |= {"name": name} if name else {}
    asked |= {"attachment": {"name": attachment}} if attachment else {}
    before = provisioning.newest_version(app)
    with doing(f"Creating {plan} on {app_name(app.name)}"):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        made = app.api.request("POST", app.path("addons"), json=asked, headers=headers)
    say(_price(made["billed_price"]))
    made = provisioning.attend(app, made, before, wait=wait)
    if as_json:
        show_json(made)
    else:
        show(made["name"])


@click.command("addons:info")
@on_addon
@json_option
def info(api: Api, addon: dict[str, Any], as_json: bool) -> None:
    """Show an add-on: its plan, its state and what it is attached as."""
    if as_json:
        show_json(addon)
        return
    heading(paint(addon["name"], "cyan", bold=True))
    attachments = api.all(f"/addons/{addon['id']}/addon-attachments")
    facts = [
        ("Service", addon["addon_service"]["name"]),
        ("Plan", _plan(addon)),
        ("Price", _price(addon["billed_price"])),
        ("State", _state(addon)),
        ("Says", addon["provision_message"]),
        ("Owning app", (addon["app"] or {}).get("name", "")),
        ("Attachments", ", ".join(sorted(_attached(each) for each in attachments))),
        ("Config vars", ", ".join(addon["config_vars"])),
        ("Installed", ago(addon["created_at"])),
    ]
    rows = [[click.style(f"{label}:", fg="cyan"), value] for label, value in facts if value]
    show_table(rows)


@click.command("addons:upgrade")
@on_addon
@click.argument("plan", required=False)
def upgrade(api: Api, addon: dict[str, Any], plan: str | None) -> None:
    """Move an add-on to another plan; its provider decides whether what is in it fits."""
    wanted = plan or addon["asked"].partition(":")[2]
    if not wanted:
        raise click.UsageError("Name the plan: `kedge addons:plans` lists them.")
    service = addon["addon_service"]["name"]
    whole = wanted if ":" in wanted else f"{service}:{wanted}"
    app = AppApi(api, addon["app"]["name"])
    with doing(f"Changing {addon['name']} from {_plan(addon)} to {whole.partition(':')[2]}"):
        changed = api.patch(app.path("addons", addon["id"]), {"plan": whole})
    say(f"done, {_price(changed['billed_price'])}")
    if changed["provision_message"]:
        say(changed["provision_message"])


@click.command("addons:rename")
@on_addon
@click.argument("new_name", metavar="NEW_NAME")
def rename(api: Api, addon: dict[str, Any], new_name: str) -> None:
    """Give an add-on another name; what it is attached as stays."""
    app = AppApi(api, addon["app"]["name"])
    api.patch(app.path("addons", addon["id"]), {"name": new_name})
    say(f"{addon['name']} is now {paint(new_name, 'cyan', bold=True)}.")


@click.command("addons:destroy")
@on_addon
@click.option("-c", "--confirm", metavar="APP", help="The app's name, instead of typing it.")
@click.option("-f", "--force", is_flag=True, help="Also when other apps have it attached.")
def destroy(api: Api, addon: dict[str, Any], confirm: str | None, force: bool) -> None:
    """Destroy an add-on, with what is in it.

    The platform's own services keep that for seven days: `kedge addons:restore`.
    """
    app = AppApi(api, addon["app"]["name"])
    if (confirm or _typed(addon, app.name)) != app.name:
        raise CommandFailed(
            f"That is not its app's name: nothing was destroyed, {addon['name']} is as it was.",
            f"`kedge addons:destroy {addon['name']} --confirm {app.name}` does not ask.",
        )
    before = provisioning.newest_version(app)
    with doing(f"Destroying {addon['name']} on {app_name(app.name)}"):
        body = {"force": force}
        app.api.request("DELETE", app.path("addons", addon["id"]), json=body)
    say("done")
    provisioning.tell_release(app, before)
    if _rests(api, addon):
        say(f"What was in it is kept for seven days: `kedge addons:restore {addon['name']}`.")


@click.command("addons:restore")
@click.argument("addon", required=False)
@on_platform
@json_option
@click.option("-a", "--app", metavar="APP", help="Only what was this app's.")
@click.option("--wait/--no-wait", default=True, help="Wait until it is there (default), or not.")
def restore(api: Api, *, addon: str | None, as_json: bool, app: str | None, wait: bool) -> None:
    """Bring a destroyed add-on back with what was in it; without a name, list those one can."""
    resting = [each for each in api.all("/kedge/addons/resting")
               if app in (None, each["app"]["name"])]  # fmt: skip
    if addon is None:
        _show_resting(resting, as_json=as_json)
        return
    chosen = next((each for each in resting if addon in (each["name"], each["id"])), None)
    if chosen is None:
        raise CommandFailed(
            f"There is no destroyed add-on {addon} to bring back.",
            "`kedge addons:restore` lists those there are.",
        )
    owner = AppApi(api, chosen["app"]["name"])
    before = provisioning.newest_version(owner)
    with doing(f"Restoring {chosen['name']} on {app_name(owner.name)}"):
        made = api.post(f"/kedge/addons/{chosen['id']}/restore")
    say("")
    made = provisioning.attend(owner, made, before, wait=wait)
    if as_json:
        show_json(made)


@click.command("addons:wait")
@click.argument("addon", required=False)
@on_platform
@click.option("-a", "--app", metavar="APP", help="The app.")
@click.option("-r", "--remote", metavar="NAME", help="The git remote of the app.")
def wait(api: Api, addon: str | None, app: str | None, remote: str | None) -> None:
    """Wait until an add-on, or every add-on of an app, is there."""
    name = provisioning.app_or_none(app, remote)
    if addon:
        waiting = [found(api, addon, name)]
    else:
        path = AppApi(api, name).path("addons") if name else "/addons"
        waiting = [each for each in api.all(path) if each["state"] == "provisioning"]
    for each in waiting:
        provisioning.until_there(api, each)
    if not waiting:
        say("No add-on is being created.")


@click.command("addons:open")
@on_addon
def open_(api: Api, addon: dict[str, Any]) -> None:
    """Open an add-on in the browser, signed in at its provider; prints its address."""
    app = AppApi(api, addon["app"]["name"])
    try:
        form = api.get(app.path("addons", addon["id"], "sso"))
    except ApiRefused as refused:
        raise CommandFailed(refused.message, f"`kedge addons:info {addon['name']}`") from None
    if addon["web_url"]:
        show(addon["web_url"])
    if is_terminal() and not provisioning.open_form(api, addon["name"], form):
        say("There is no browser here; the address above opens it for whoever is signed in.")


def _show_of_app(app: str, addons: list[dict[str, Any]], attachments: list[dict[str, Any]]) -> None:
    """The add-ons of an app, what each is attached as below it; then those of other apps."""
    listed = {addon["id"] for addon in addons}
    hidden = [each for each in attachments
              if each["app"]["name"] == app and each["addon"]["id"] not in listed]  # fmt: skip
    if not addons and not hidden:
        say(f"{app_name(app)} has no add-ons. `kedge addons:services` lists what there is.")
        return
    heading(f"Add-ons of {app}")
    rows = [dimmed_header("add-on", "plan", "price", "state")]
    for addon in addons:
        rows.append([_titled(addon), _plan(addon), _paid(addon, app), _state(addon)])
        here = [each for each in attachments if each["addon"]["id"] == addon["id"]]
        rows += [[line, "", "", ""] for line in _branches(here, app)]
    for each in hidden:  # of an app one does not see
        rows += [[paint(each["addon"]["name"], "cyan"), "", _paid(each["addon"], app), ""],
                 [_branch(each, app, is_last=True), "", "", ""]]  # fmt: skip
    show_table(rows, fold=0)


def _paid(addon: dict[str, Any], app: str) -> str:
    """The price of an app's own add-on; of another's, whose it is."""
    owner = (addon["app"] or {}).get("name", "")
    return _price(addon["billed_price"]) if owner == app else paint(f"of {owner}", "bright_black")


def _branches(attachments: list[dict[str, Any]], app: str) -> list[str]:
    ordered = sorted(attachments, key=lambda each: (each["app"]["name"] != app, each["name"]))
    return [_branch(each, app, is_last=each is ordered[-1]) for each in ordered]


def _branch(attachment: dict[str, Any], app: str, *, is_last: bool) -> str:
    other = attachment["app"]["name"]
    where = "" if other == app else f" on {app_name(other)} app"
    return f" {'└─' if is_last else '├─'} as {paint(attachment['name'], 'green')}{where}"


def _row_of_all(addon: dict[str, Any]) -> list[str]:
    owner = app_name((addon["app"] or {}).get("name", ""))
    return [owner, addon["name"], addon["plan"]["name"], _price(addon["billed_price"]),
            _state(addon)]  # fmt: skip


def _titled(addon: dict[str, Any]) -> str:
    return f"{addon['addon_service']['name']} ({paint(addon['name'], 'cyan')})"


def _attached(attachment: dict[str, Any]) -> str:
    return f"{attachment['app']['name']}::{attachment['name']}"


def _plan(addon: dict[str, Any]) -> str:
    return str(addon["plan"]["name"]).partition(":")[2]


def _state(addon: dict[str, Any]) -> str:
    word, colour = _STATES.get(addon["state"], (addon["state"], None))
    return paint(word, colour)


def _price(price: dict[str, Any] | None) -> str:
    """`free`, or `$5.00/month`."""
    if not price or not price["cents"]:
        return "free"
    return f"${price['cents'] / 100:.2f}/{price['unit']}"


def _typed(addon: dict[str, Any], app: str) -> str:
    """The app's name as a person types it to confirm; "" when nobody can be asked."""
    if not is_terminal():
        return ""
    say(f"This destroys {paint(addon['name'], 'cyan', bold=True)} and what is in it.")
    question = f"Type the name of its app, {app}, to go on"
    typed: str = click.prompt(question, err=True, default="", show_default=False)
    return typed


def _rests(api: Api, addon: dict[str, Any]) -> bool:
    return any(each["id"] == addon["id"] for each in api.all("/kedge/addons/resting"))


def _show_resting(resting: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(resting)
    elif not resting:
        say("No destroyed add-on can be brought back.")
    else:
        heading("Destroyed add-ons that can be brought back")
        rows = [[each["name"], each["plan"]["name"], app_name((each["app"] or {}).get("name", "")),
                 f"until {each['resting_until']}"] for each in resting]  # fmt: skip
        show_table([dimmed_header("add-on", "plan", "app", "kept"), *rows], fold=0)
