"""Which database is meant, and what all commands about databases share."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kedge.cli import provisioning
from kedge.cli.api import Api, AppApi
from kedge.cli.failure import CommandFailed
from kedge.cli.options import api_for
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import is_terminal, paint, say
from kedge.cli.table import show_table

Function = TypeVar("Function", bound=Callable[..., Any])
POSTGRES, REDIS = "heroku-postgresql", "heroku-redis"
# What is meant where nobody says: the attachment apps are given first.
# Its provider tells the platform a moment after it has new credentials.
RELEASE_SECONDS, POLL_SECONDS = 20.0, 0.25
FIRST = {POSTGRES: "DATABASE", REDIS: "REDIS"}


def on_database(service: str, *, required: bool = False) -> Callable[[Function], Function]:
    """The command takes [DATABASE], `-a`, `-r`, `--url`; it is given the API and the add-on."""

    def decorated(command: Function) -> Function:
        @functools.wraps(command)
        def with_database(
            *arguments: Any,
            database: str | None,
            app: str | None,
            remote: str | None,
            url: str | None,
            **options: Any,
        ) -> Any:
            api = api_for(url)
            named = provisioning.app_or_none(app, remote)
            return command(api, meant(api, service, database, named), *arguments, **options)

        made: Callable[..., Any] = click.argument("database", required=required)(with_database)
        return on_app_or_checkout(made)  # type: ignore[return-value]

    return decorated


def on_app_or_checkout(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-a`, `-r` and `--url`, for commands that find out for themselves what they are about."""
    for option in (
        click.option("--url", metavar="URL", help="The platform to speak to."),
        click.option("-r", "--remote", metavar="NAME", help="The git remote of the app."),
        click.option("-a", "--app", metavar="APP", help="The app of the database."),
    ):
        command = option(command)
    return command


def meant(api: Api, service: str, name: str | None, app: str | None) -> dict[str, Any]:
    """The add-on of a service that a person means, by name, attachment or config var.

    Raises:
        CommandFailed: none, several, or one of another service.
    """
    if not name and not app:
        raise CommandFailed("No database is named.", "Name one, or its app: -a APP.")
    if name:
        found = provisioning.found(api, name.removesuffix("_URL"), app)
    else:
        found = _only(api, service, str(app))
    if found["addon_service"]["name"] != service:
        raise CommandFailed(f"{found['name']} is of {found['addon_service']['name']}.",
                            "`kedge addons` lists what the app has.")  # fmt: skip
    return found


def app_of(api: Api, addon: dict[str, Any]) -> AppApi:
    """The app an add-on belongs to."""
    return AppApi(api, addon["app"]["name"])


def tell_rotation(app: AppApi, before: int, *, wait: bool) -> None:
    """Say which release new credentials made, and wait for it."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while not (version := provisioning.tell_release(app, before)):
        if time.monotonic() > deadline:
            say("The release with them is on its way: `kedge releases`.")
            return
        time.sleep(POLL_SECONDS)
    if wait:
        wait_for_release(app, version)


def confirm_loss(addon: dict[str, Any], given: str | None, what: str) -> None:
    """Have the app's name typed before something is lost. Raises CommandFailed."""
    app = addon["app"]["name"]
    if given is None and is_terminal():
        say(f"{what} {paint('What is in it now is lost.', 'red')}")
        question = f"Type the name of its app, {app}, to go on"
        given = click.prompt(question, err=True, default="", show_default=False)
    if given != app:
        raise CommandFailed(f"Not confirmed: {addon['name']} is as it was.",
                            f"Add `--confirm {app}`.")  # fmt: skip


def show_facts(facts: list[tuple[str, str]]) -> None:
    """Names and values below each other."""
    show_table([[click.style(f"{name}:", fg="cyan"), value] for name, value in facts])


def size(number: Any) -> str:
    """`12.3 MB`."""
    left, unit = float(number or 0), 0
    units = ("B", "KB", "MB", "GB", "TB")
    while left >= 1024 and unit < len(units) - 1:
        left, unit = left / 1024, unit + 1
    return f"{left:.0f} B" if unit == 0 else f"{left:.1f} {units[unit]}"


def _only(api: Api, service: str, app: str) -> dict[str, Any]:
    """What an app has as `DATABASE`, or else its only add-on of the service."""
    attachments = api.all(AppApi(api, app).path("addon-attachments"))
    first = [each for each in attachments if each["name"] == FIRST[service]] or attachments
    ids = {each["addon"]["id"]: None for each in first}
    found: list[dict[str, Any]] = [api.get(f"/addons/{each}") for each in ids]
    found = [each for each in found if each["addon_service"]["name"] == service]
    if not found:
        raise CommandFailed(
            f"{app} has no {service}.", f"`kedge addons:create {service} -a {app}` makes one."
        )
    if len(found) > 1:
        names = ", ".join(sorted(each["name"] for each in found))
        raise CommandFailed(f"{app} has several: {names}.", "Name one of them.")
    return found[0]
