"""An add-on on its way: which one is meant, how it comes to be, and opening it."""

from __future__ import annotations

import functools
import html
import os
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urljoin

import click

from kedge.cli import checkout
from kedge.cli.api import Api, AppApi
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.options import api_for
from kedge.cli.progress import Progress
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import paint, say

Function = TypeVar("Function", bound=Callable[..., Any])
POLL_SECONDS = 0.5
# A provider may take hours; whoever waits for it longer can say so by `addons:wait`.
PATIENCE_SECONDS = 600.0


def on_addon(command: Function) -> Function:
    """The command takes ADDON, `-a`, `-r` and `--url`, and is given the API and the add-on."""

    @functools.wraps(command)
    def with_addon(
        *arguments: Any,
        addon: str,
        app: str | None,
        remote: str | None,
        url: str | None,
        **options: Any,
    ) -> Any:
        api = api_for(url)
        chosen = found(api, addon, app_or_none(app, remote))
        return command(api, chosen | {"asked": addon}, *arguments, **options)

    made: Callable[..., Any] = with_addon
    for option in (
        click.option("--url", metavar="URL", help="The platform to speak to."),
        click.option("-r", "--remote", metavar="NAME", help="The git remote of the app."),
        click.option("-a", "--app", metavar="APP", help="The app, where a name is not enough."),
        click.argument("addon"),
    ):
        made = option(made)
    return made  # type: ignore[return-value]


def app_or_none(name: str | None, remote: str | None) -> str | None:
    """The app that is named, or the checkout's; None where nothing says."""
    if name or remote:
        return name or checkout.app_of(remote)
    known = os.environ.get("KEDGE_APP") or os.environ.get("HEROKU_APP")
    return known or checkout.app_of(None)


def found(api: Api, name: str, app: str | None) -> dict[str, Any]:
    """The add-on a person means: by name, service, plan, or what it is attached as.

    Raises:
        CommandFailed: none, or several.
    """
    wanted = name.partition(":")[0] if ":" in name and "::" not in name else name
    listed = _resolved(api, {"addon": wanted, "app": app})
    if not listed and app:  # a name is the same everywhere
        listed = _resolved(api, {"addon": wanted, "app": None})
    if not listed:
        where = f" of {app}" if app else ""
        raise CommandFailed(
            f"There is no add-on {name}{where}.", "`kedge addons --all` lists all of them."
        )
    if len(listed) > 1:
        names = ", ".join(sorted(each["name"] for each in listed))
        raise CommandFailed(f"{name} may be one of several: {names}.", "Name one of them.")
    chosen: dict[str, Any] = listed[0]
    return chosen


def _resolved(api: Api, asked: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        listed: list[dict[str, Any]] = api.post("/actions/addons/resolve", asked)
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        return []
    return listed


def options_of(words: Iterable[str]) -> dict[str, Any]:
    """`--fork x --fast --limit=2` as `{"fork": "x", "fast": true, "limit": "2"}`.

    Raises:
        UsageError: a word that belongs to no option.
    """
    options: dict[str, Any] = {}
    last = None
    for word in words:
        if word.startswith("--"):
            last, equals, value = word[2:].partition("=")
            options[last] = value if equals else True
            last = None if equals else last
        elif last is not None:
            options[last], last = word, None
        else:
            raise click.UsageError(f"{word!r} belongs to no option; write --NAME VALUE.")
    return options


def attend(app: AppApi, addon: dict[str, Any], before: int, *, wait: bool) -> dict[str, Any]:
    """Say how an add-on that was asked for comes to be, and wait for it and its release.

    `before` is the number of the app's newest release when it was asked for.
    """
    if addon["state"] == "provisioning" and wait:
        addon = until_there(app.api, addon)
    elif addon["state"] == "provisioning":
        say(f"{_name(addon)} is being created. `kedge addons:wait {addon['name']}` waits for it.")
        return addon
    else:
        _tell_there(addon)
    version = tell_release(app, before)
    if wait and version:
        wait_for_release(app, version)
    return addon


def until_there(api: Api, addon: dict[str, Any]) -> dict[str, Any]:
    """Wait until an add-on is there. Raises CommandFailed when it will not be, or takes long."""
    began = time.monotonic()
    try:
        with Progress() as line:
            while addon["state"] == "provisioning":
                line.show(f"Creating {_name(addon)}… {addon['provision_message']}".rstrip())
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise CommandFailed(
                        f"{addon['name']} is still being created.",
                        f"`kedge addons:wait {addon['name']}` waits on.",
                    )
                time.sleep(POLL_SECONDS)
                addon = _again(api, addon)
    except KeyboardInterrupt:
        say(f"\nNo longer waiting; it goes on. `kedge addons:wait {addon['name']}` waits again.")
        raise
    if addon["state"] != "provisioned":
        raise _failed(addon)
    _tell_there(addon, f", {time.monotonic() - began:.1f} s")
    return addon


def _again(api: Api, addon: dict[str, Any]) -> dict[str, Any]:
    try:
        newer: dict[str, Any] = api.get(f"/addons/{addon['id']}")
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        raise _failed(addon | {"provision_message": "it is gone"}) from None
    return newer


def _failed(addon: dict[str, Any]) -> CommandFailed:
    reason = addon["provision_message"] or "its provider gave no reason"
    ending = "" if reason.endswith((".", "!")) else "."
    return CommandFailed(
        f"{addon['name']} could not be created: {reason}{ending}",
        f"`kedge addons:docs {addon['addon_service']['name']}` may say more; then create it again.",
    )


def _tell_there(addon: dict[str, Any], more: str = "") -> None:
    listed = ", ".join(addon["config_vars"])
    sets = f": {listed}" if listed else ""
    say(f"{paint('✓', 'green')} {_name(addon)} is there{sets}{more}.")
    if addon["provision_message"]:
        say(addon["provision_message"])


def _name(addon: dict[str, Any]) -> str:
    return paint(addon["name"], "cyan", bold=True)


def newest_version(app: AppApi) -> int:
    """The number of the app's newest release, 0 without one."""
    newest = app.api.newest(app.path("releases"), 1)
    return int(newest[0]["version"]) if newest else 0


def tell_release(app: AppApi, before: int) -> int | None:
    """Say which release a change made; its number, None when there is none."""
    newest = app.api.newest(app.path("releases"), 1)
    if not newest or int(newest[0]["version"]) <= before:
        return None
    version = int(newest[0]["version"])
    say(f"Release v{version} of {app.name}: {newest[0]['description']}")
    return version


def open_form(api: Api, name: str, form: dict[str, Any]) -> bool:
    """Have the browser post a form that signs in; whether there is a browser.

    The form goes through a file only its owner reads; its token is good for five minutes.
    """
    action = urljoin(f"{api.target.url}/", str(form["action"]))
    fields = {key: value for key, value in form.items() if key not in ("method", "action")}
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(key)}" value="{html.escape(str(value))}">'
        for key, value in fields.items()
    )
    page = (
        f'<!doctype html><meta charset="utf-8"><title>{html.escape(name)}</title>'
        f'<form method="post" action="{html.escape(action)}">{inputs}'
        f"<button>Open {html.escape(name)}</button></form>"
        "<script>document.forms[0].submit()</script>"
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="kedge-open-", suffix=".html", delete=False
    ) as file:
        file.write(page)
    return webbrowser.open(f"file://{file.name}")
