"""Config vars: `kedge config`, `config:get`, `config:set`, `config:unset`, `config:edit`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from kedge.cli.api import AppApi
from kedge.cli.failure import CommandFailed, in_words
from kedge.cli.options import json_option, on_app, wait_option
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import app_name, doing, heading, say, show, show_json
from kedge.cli.table import show_table
from kedge.model import env_file


@click.command("config")
@on_app
@json_option
@click.option("-s", "--shell", is_flag=True, help="Print lines a shell can read.")
def show_(app: AppApi, as_json: bool, shell: bool) -> None:
    """List the config vars of an app."""
    variables = _of(app)
    if as_json:
        show_json(variables)
    elif shell:
        for key, value in sorted(variables.items()):
            show(f"{key}={shlex.quote(value)}")
    elif not variables:
        say(f"{app_name(app.name)} has no config vars. `kedge config:set KEY=value` sets one.")
    else:
        heading(f"Config vars of {app.name}")
        show_table([[click.style(f"{k}:", fg="cyan"), v] for k, v in sorted(variables.items())])


@click.command("config:get")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@on_app
@json_option
@click.option("-s", "--shell", is_flag=True, help="Print KEY=value lines a shell can read.")
def get(app: AppApi, keys: tuple[str, ...], as_json: bool, shell: bool) -> None:
    """Print the value of config vars, one a line; exits 1 when one is not set."""
    variables = _of(app)
    missing = [key for key in keys if key not in variables]
    found = {key: variables[key] for key in keys if key in variables}
    if as_json:
        show_json(found)
    else:
        for key, value in found.items():
            show(f"{key}={shlex.quote(value)}" if shell else value)
    if missing:
        raise CommandFailed(f"Not set on {app.name}: {', '.join(missing)}.")


@click.command("config:set")
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE...")
@on_app
@wait_option
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Read KEY=value lines from a file, `-` for stdin: values stay out of process lists.",
)
def set_(app: AppApi, pairs: tuple[str, ...], wait: bool, file: str | None) -> None:
    """Set config vars: makes a release and restarts the app with it."""
    variables = _read(file) if file else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{key!r} is not KEY=value.")
        variables[key] = value
    if not variables:
        raise click.UsageError("Name at least one KEY=value.")
    _change(app, dict(variables), "Setting", wait=wait)


@click.command("config:unset")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@on_app
@wait_option
def unset(app: AppApi, keys: tuple[str, ...], wait: bool) -> None:
    """Remove config vars: makes a release and restarts the app with it."""
    _change(app, dict.fromkeys(keys), "Removing", wait=wait)


@click.command("config:edit")
@on_app
@wait_option
def edit(app: AppApi, wait: bool) -> None:
    """Edit all config vars in $EDITOR, then set and remove what differs."""
    before = _of(app)
    text = click.edit(env_file.written(before), extension=".env", require_save=True)
    if text is None:
        say("Nothing saved, nothing changed.")
        return
    after = _parsed(text)
    changes: dict[str, str | None] = {k: v for k, v in after.items() if before.get(k) != v}
    changes |= dict.fromkeys(key for key in before if key not in after)
    if not changes:
        say("Nothing changed.")
        return
    _change(app, changes, "Changing", wait=wait)


def _of(app: AppApi) -> dict[str, str]:
    variables: dict[str, str] = app.api.get(app.path("config-vars"))
    return variables


def _read(file: str) -> dict[str, str]:
    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    return _parsed(text)


def _parsed(text: str) -> dict[str, str]:
    with in_words():
        return env_file.parsed(text)


def _change(app: AppApi, changes: dict[str, str | None], verb: str, *, wait: bool) -> None:
    """Make the change; the release waited for is the newest, which has this change in it."""
    with doing(f"{verb} {', '.join(changes)} on {app_name(app.name)}"):
        before = _newest_version(app)
        app.api.patch(app.path("config-vars"), changes)
        version = _newest_version(app)
    if version == before:
        say(f"nothing changed, still v{version}.")
        return
    say(f"v{version}")
    if wait:
        wait_for_release(app, version)


def _newest_version(app: AppApi) -> int:
    releases = app.api.newest(app.path("releases"), 1)
    return int(releases[0]["version"]) if releases else 0
