"""Options many commands share, and what a command is given for them: an API, or an app's API."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kedge.cli.failure import CommandFailed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kedge.cli.api import Api, AppApi

Function = TypeVar("Function", bound=Callable[..., Any])


def api_for(url: str | None = None) -> Api:
    """The API of the platform in use; `url` is the command's own `--url`."""
    from kedge.cli import api, target  # costs a tenth of a second

    root = click.get_current_context(silent=True)
    chosen = url or (root.find_root().params.get("url") if root else None)
    return api.Api(target.find(chosen))


def on_platform(command: Function) -> Function:
    """The command takes `--url` and is given `api` first."""

    @functools.wraps(command)
    def with_api(*arguments: Any, url: str | None, **options: Any) -> Any:
        return command(api_for(url), *arguments, **options)

    return _url_option(with_api)  # type: ignore[return-value]


def on_app(command: Function) -> Function:
    """The command takes `-a`, `-r` and `--url`, and is given the app's API first."""

    @functools.wraps(command)
    def with_app(
        *arguments: Any, app: str | None, remote: str | None, url: str | None, **options: Any
    ) -> Any:
        return command(app_for(app, remote, url), *arguments, **options)

    return _app_options(with_app)  # type: ignore[return-value]


def on_named_app(command: Function) -> Function:
    """As `on_app`, but the app may also be named by a word."""

    @functools.wraps(command)
    def with_app(
        name: str | None, app: str | None, remote: str | None, url: str | None, **options: Any
    ) -> Any:
        return command(app_for(name or app, remote, url), **options)

    return click.argument("name", required=False)(_app_options(with_app))  # type: ignore[return-value]


def app_for(app: str | None, remote: str | None, url: str | None) -> AppApi:
    """The app a command is about: `-a`, KEDGE_APP, HEROKU_APP, or the checkout's git remote.

    Raises:
        CommandFailed: none of them says.
    """
    from kedge.cli.api import AppApi

    name = app or (None if remote else os.environ.get("KEDGE_APP") or os.environ.get("HEROKU_APP"))
    if not name:
        from kedge.cli import checkout

        name = checkout.app_of(remote)
    if not name:
        raise CommandFailed(
            f"There is no git remote {remote!r} that names an app." if remote else "Which app?",
            "Name it with `-a APP` or KEDGE_APP; `kedge git:remote -a APP` makes this checkout "
            "remember it, `kedge apps` lists your apps.",
        )
    return AppApi(api_for(url), name)


def _app_options(command: Callable[..., Any]) -> Callable[..., Any]:
    named = click.option("-a", "--app", metavar="APP", shell_complete=complete_app, help="The app.")
    remote = click.option("-r", "--remote", metavar="NAME", help="The git remote of the app.")
    return _url_option(named(remote(command)))


def _url_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--url", metavar="URL", help="The platform to speak to.")(command)


def json_option(command: Function) -> Function:
    """The command takes `--json`."""
    flag = click.option("--json", "as_json", is_flag=True, help="The API's answer, for programs.")
    return flag(command)


def wait_option(command: Function) -> Function:
    """The command takes `--no-wait`."""
    flag = click.option(
        "--wait/--no-wait", default=True, help="Wait until it is live (default), or not."
    )
    return flag(command)


def complete_app(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names of apps that begin so; nothing when the platform does not answer."""
    from click.shell_completion import CompletionItem  # only in completion

    try:
        apps = api_for(context.params.get("url")).all("/users/~/apps")
    except CommandFailed:
        return []
    return [CompletionItem(a["name"]) for a in apps if a["name"].startswith(incomplete)]
