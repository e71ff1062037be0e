"""Apps: `kedge apps`, `create`, `apps:info`, `apps:rename`, `apps:destroy`, `open`."""

from __future__ import annotations

import webbrowser
from typing import Any

import click

from kedge.cli import checkout, git
from kedge.cli.api import Api, AppApi
from kedge.cli.failure import CommandFailed
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_app, on_named_app, on_platform
from kedge.cli.screen import app_name, doing, heading, is_terminal, say, show, show_json
from kedge.cli.table import show_table


@click.command("apps")
@on_platform
@json_option
@click.option("-A", "--all", "everyones", is_flag=True, help="Also those of others.")
def list_(api: Api, as_json: bool, everyones: bool) -> None:
    """List your apps."""
    apps = api.all("/apps" if everyones else "/users/~/apps")
    if as_json:
        show_json(apps)
    elif not apps:
        say("You have no apps. `kedge create` makes one.")
    else:
        heading("Apps")
        show_table([_row(app) for app in sorted(apps, key=lambda app: str(app["name"]))], fold=1)


@click.command("create")
@click.argument("name", required=False)
@on_platform
@json_option
@click.option("-a", "--app", "named", metavar="APP", help="The name, as Heroku's CLI takes it.")
@click.option("--stack", help="The stack to build on.")
@click.option("-b", "--buildpack", help="The buildpack to build with.")
@click.option("-r", "--remote", default=checkout.REMOTE, show_default=True, help="Its git remote.")
@click.option("-n", "--no-remote", is_flag=True, help="Make no git remote.")
def create(
    api: Api,
    *,
    name: str | None,
    as_json: bool,
    named: str | None,
    stack: str | None,
    buildpack: str | None,
    remote: str,
    no_remote: bool,
) -> None:
    """Create an app, and in a git checkout the remote to push to. Without a name one is made up."""
    asked = {"name": name or named, "stack": stack}
    with doing(f"Creating {app_name(name or named or 'an app')}"):
        made = api.post("/apps", {key: value for key, value in asked.items() if value})
    say(f"done, {app_name(made['name'])}" if not (name or named) else "done")
    app = AppApi(api, made["name"])
    if buildpack:
        updates = [{"buildpack": buildpack}]
        api.put(app.path("buildpack-installations"), {"updates": updates})
    if not no_remote and checkout.is_checkout():
        git.point(app, remote, replace=False)
    if as_json:
        show_json(made)
    else:
        show(f"{made['web_url']} | {git.url_of(app)}")


@click.command("apps:info")
@on_named_app
@json_option
def info(app: AppApi, as_json: bool) -> None:
    """Show an app."""
    found = app.api.get(app.path())
    if as_json:
        show_json(found)
        return
    heading(app_name(found["name"]))
    dynos = app.api.all(app.path("formation"))
    facts = [*_facts(found), ("Dynos", _formation(dynos)), ("Git URL", git.url_of(app))]
    show_table([[click.style(f"{label}:", fg="cyan"), value] for label, value in facts if value])


@click.command("apps:rename")
@click.argument("name")
@on_app
def rename(app: AppApi, name: str) -> None:
    """Rename an app; git remotes of this checkout follow."""
    changed = app.api.patch(app.path(), {"name": name})
    say(f"{app.name} is now {app_name(changed['name'])}.")
    git.rename(app, changed["name"])
    show(f"{changed['web_url']} | {git.url_of(AppApi(app.api, changed['name']))}")


@click.command("apps:destroy")
@on_named_app
@click.option("-c", "--confirm", metavar="APP", help="The app's name again, instead of typing it.")
@click.option("-f", "--force", is_flag=True, help="Also when other apps use its add-ons.")
def destroy(app: AppApi, *, confirm: str | None, force: bool) -> None:
    """Destroy an app with its dynos, releases, config vars and add-ons; nothing brings it back."""
    found = app.api.get(app.path())
    if (confirm or _typed(found["name"])) != found["name"]:
        raise CommandFailed(
            f"That is not its name: nothing was destroyed, {found['name']} is as it was.",
            f"`kedge apps:destroy -a {found['name']} --confirm {found['name']}` does not ask.",
        )
    with doing(f"Destroying {app_name(found['name'])}"):
        app.api.request("DELETE", app.path(), json={"confirm": found["name"]} if force else {})
    say("done")
    git.unpoint(AppApi(app.api, found["name"]))


@click.command("open")
@click.argument("path", required=False, default="")
@on_app
def open_(app: AppApi, path: str) -> None:
    """Open an app in the browser; prints its URL."""
    url = app.api.get(app.path())["web_url"].rstrip("/") + "/" + path.lstrip("/")
    show(url)
    if is_terminal() and not webbrowser.open(url):
        say("There is no browser here; the URL is above.")


def _typed(name: str) -> str:
    """The name as a person types it to confirm; "" when nobody can be asked."""
    if not is_terminal():
        return ""
    say(f"This destroys {app_name(name)} with its releases, config vars and add-ons.")
    typed: str = click.prompt("Type its name to go on", err=True, default="", show_default=False)
    return typed


def _row(app: dict[str, Any]) -> list[str]:
    released = ago(app.get("released_at"))
    return [
        app_name(app["name"]),
        app["web_url"] or "",
        click.style(f"released {released}" if released else "not released", fg="bright_black"),
    ]


def _facts(app: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Web URL", app["web_url"] or ""),
        ("Owner", app["owner"]["email"]),
        ("Stack", app["stack"]["name"]),
        ("Maintenance", "on" if app["maintenance"] else ""),
        ("Slug size", _size(app["slug_size"])),
        ("Created", ago(app["created_at"])),
        ("Released", ago(app["released_at"])),
    ]


def _formation(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['type']}: {row['quantity']}" for row in rows)


def _size(number: int | None) -> str:
    return f"{number / 1_000_000:.1f} MB" if number else ""
