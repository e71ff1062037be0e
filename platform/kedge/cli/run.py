"""One-off dynos and commands inside others: `kedge run`, `run:detached`, `run:inside`.

The exit status of those that stay attached is the command's.
"""

from __future__ import annotations

import shlex
import sys
import time
from typing import Any

import click

from kedge.cli import rendezvous, terminal
from kedge.cli.api import Api, AppApi
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.options import Function, on_app
from kedge.cli.screen import app_name, doing, say, show

STATUS_SECONDS = 30.0
RETRIES = 2
APP_OPTIONS = ("-a", "--app", "-r", "--remote")


class RunCommand(click.Command):
    """Options come before the command that runs; `-a APP` may also be the end of the line.

    `kedge run bash -a myapp` is how people write it to Heroku's CLI. After `--` every word is the
    command's.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click's, with a final `-a APP` moved to the front."""
        if "--" not in args:
            if len(args) > 2 and args[-2] in APP_OPTIONS:
                args = [*args[-2:], *args[:-2]]
            elif len(args) > 1 and args[-1].startswith(("--app=", "--remote=")):
                args = [args[-1], *args[:-1]]
        return super().parse_args(ctx, args)


_env_option = click.option(
    "-e", "--env", multiple=True, metavar="KEY=VALUE", help="A variable more; repeatable."
)
_no_tty_option = click.option(
    "--no-tty", is_flag=True, help="No terminal for the command, even when here is one."
)
_exit_code_option = click.option(
    "-x", "--exit-code", is_flag=True, hidden=True, help="Heroku's; always the case."
)


def _dyno_options(command: Function) -> Function:
    for option in (
        click.option("-s", "--size", help="The dyno size, as standard-2x."),
        click.option("--type", "kind", help="The process type whose size and name to take."),
        _env_option,
    ):
        command = option(command)
    return command


@click.command("run", cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@on_app
@_dyno_options
@_no_tty_option
@_exit_code_option
def run(
    app: AppApi,
    *,
    command: tuple[str, ...],
    size: str | None,
    kind: str | None,
    env: tuple[str, ...],
    no_tty: bool,
    exit_code: bool,  # noqa: ARG001 - taken for scripts written for Heroku's CLI
) -> int:
    """Run a command in a one-off dyno and stay attached to it.

    Several words are the command and its arguments; one word is a line for the shell. Put `--`
    before a command whose options end in `-a WORD`.
    """
    interactive = terminal.is_interactive() and not no_tty
    asked = _attached(_asked(command, size, kind, env), interactive=interactive)
    with doing(f"Running `{asked['command']}` on {app_name(app.name)}"):
        dyno = _start(app, asked, "dynos")
        connection = rendezvous.connect(dyno["attach_url"], app.api.trust)
    say(f"up, {dyno['name']}")
    return stay(app.api, connection, dyno, interactive=interactive)


@click.command("run:inside", cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.argument("dyno", metavar="DYNO")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@on_app
@_env_option
@_no_tty_option
@_exit_code_option
def inside(
    app: AppApi,
    *,
    dyno: str,
    command: tuple[str, ...],
    env: tuple[str, ...],
    no_tty: bool,
    exit_code: bool,  # noqa: ARG001 - taken for scripts written for Heroku's CLI
) -> int:
    """Run a command inside a dyno that runs (web.1), beside its own process, attached to it.

    It shares the dyno's files, memory and end. Words and options are as with `kedge run`.
    """
    interactive = terminal.is_interactive() and not no_tty
    asked = _attached(_asked(_after_mark(command), None, None, env), interactive=interactive)
    with doing(f"Running `{asked['command']}` inside {dyno} of {app_name(app.name)}"):
        made = _start(app, asked, "dynos", dyno)
        connection = rendezvous.connect(made["attach_url"], app.api.trust)
    _copy(connection, made, interactive=interactive)
    return _exit_status(app.api, f"/kedge/inside-runs/{made['id']}", made["name"])


@click.command("run:detached", cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@on_app
@_dyno_options
def detached(
    app: AppApi, command: tuple[str, ...], size: str | None, kind: str | None, env: tuple[str, ...]
) -> None:
    """Run a command in a one-off dyno; prints the dyno's name, its output goes to the logs."""
    asked = _asked(command, size, kind, env) | {"attach": False}
    dyno = _start(app, asked, "dynos")
    say(f"Running `{asked['command']}` on {app_name(app.name)}.")
    say(f"`kedge logs -a {app.name} --tail --dyno {dyno['name']}` follows it.")
    show(dyno["name"])


def command_line(words: tuple[str, ...]) -> str:
    """What the dyno's shell is given: one word as it stands, several with each kept whole."""
    return words[0] if len(words) == 1 else shlex.join(words)


def stay(api: Api, connection: Any, dyno: dict[str, Any], *, interactive: bool) -> int:
    """Stay attached to a one-off dyno until it closes; the exit status of its command."""
    _copy(connection, dyno, interactive=interactive)
    return _exit_status(api, f"/kedge/dynos/{dyno['id']}", dyno["name"])


def _asked(
    command: tuple[str, ...], size: str | None, kind: str | None, env: tuple[str, ...]
) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for pair in env:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--env {key!r} is not KEY=VALUE.")
        variables[key] = value
    asked: dict[str, Any] = {"command": command_line(command), "env": variables}
    return asked | ({"size": size} if size else {}) | ({"type": kind} if kind else {})


def _after_mark(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without the `--` between the dyno and the command."""
    return words[1:] if words[0] == "--" and len(words) > 1 else words


def _attached(asked: dict[str, Any], *, interactive: bool) -> dict[str, Any]:
    """The same, attached, with a terminal like this one or with none."""
    if interactive:
        return asked | {"attach": True, "env": terminal.environment() | asked["env"]}
    return asked | {"attach": True, "force_no_tty": True}


def _start(app: AppApi, asked: dict[str, Any], *place: str) -> dict[str, Any]:
    """Ask for the dyno; a conflict is tried again, as Heroku's CLI does."""
    for attempt in range(RETRIES + 1):
        try:
            dyno: dict[str, Any] = app.api.post(app.path(*place), asked)
        except ApiRefused as refused:
            if refused.status != 409 or attempt == RETRIES:
                raise
        else:
            return dyno
    raise AssertionError  # the loop returns or raises


def _copy(connection: Any, dyno: dict[str, Any], *, interactive: bool) -> None:
    """Stay attached until the dyno closes. Closing from here makes the platform end the command."""
    sys.stdout.flush()
    attachment = rendezvous.Attachment(connection, interactive)
    with connection:
        if not interactive:
            attachment.copy()
            return
        try:
            with terminal.raw():
                attachment.copy()
        except rendezvous.Escaped:
            say(f"\nLeft {dyno['name']}.")
            raise KeyboardInterrupt from None


def _exit_status(api: Api, place: str, dyno: str) -> int:
    """The exit status of the command, which is known a moment after the dyno closed."""
    deadline = time.monotonic() + STATUS_SECONDS
    pause = 0.05
    while True:
        found = api.get(place)
        if found["exit_status"] is not None:
            return int(found["exit_status"])
        if found["state"] in ("ended", "crashed"):
            raise CommandFailed(
                f"How the command in {dyno} ended is not known.", "`kedge logs` may tell."
            )
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"The connection broke while the command in {dyno} still runs.",
                f"`kedge ps:stop {dyno}` ends it.",
            )
        time.sleep(pause)
        pause = min(pause * 2, 1.0)
