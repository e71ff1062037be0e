"""Dynos: `kedge ps`, `ps:restart`, `ps:stop`, `ps:wait`."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_app, wait_option
from kedge.cli.rollout import look, wait_for_dynos
from kedge.cli.screen import app_name, colour_of, count, paint, say, show, show_json
from kedge.cli.table import show_table


@click.command("ps")
@on_app
@json_option
def list_(app: AppApi, as_json: bool) -> None:
    """List dynos by process type, with the command, size and state of each."""
    dynos = app.api.all(app.path("dynos"))
    if as_json:
        show_json(dynos)
        return
    formation = app.api.all(app.path("formation"))
    declared = [row["type"] for row in formation]
    if not formation and not dynos:
        say(f"{app_name(app.name)} has no processes yet. Deploy with `git push kedge`.")
    for row in formation:
        _show_type(row, [d for d in dynos if d["type"] == row["type"]], app.name)
    for kind in sorted({d["type"] for d in dynos} - set(declared)):
        show(f"{paint(kind, 'cyan', bold=True)} (one-off)")
        _show_dynos([d for d in dynos if d["type"] == kind], with_command=True)


@click.command("ps:restart")
@click.argument("dyno", required=False, metavar="[DYNO|TYPE]")
@on_app
@wait_option
def restart(app: AppApi, dyno: str | None, wait: bool) -> None:
    """Restart all dynos, those of a type (web), or one (web.1); new ones are up before old end."""
    before = look(app) if wait else None
    app.api.delete(app.path(*_place(dyno)))
    say(f"Restarting {dyno or 'all dynos'} of {app_name(app.name)}...")
    if wait:
        wait_for_dynos(app, before)


@click.command("ps:stop")
@click.argument("dyno", metavar="DYNO|TYPE")
@on_app
def stop(app: AppApi, dyno: str) -> None:
    """Stop a dyno (web.1, run.1234) or those of a type; all but one-offs are started again."""
    app.api.post(app.path(*_place(dyno), "actions", "stop"))
    say(f"Stopping {dyno} of {app_name(app.name)}.")


@click.command("ps:wait")
@on_app
def wait(app: AppApi) -> None:
    """Wait until what runs is what is wanted; exits 1 when it failed."""
    wait_for_dynos(app)


def _place(dyno: str | None) -> tuple[str, ...]:
    """Where a dyno (`web.1`), a type (`web`) or all of them lie in the API."""
    if dyno is None:
        return ("dynos",)
    return ("dynos", dyno) if "." in dyno else ("formations", dyno)


def _show_type(row: dict[str, Any], dynos: list[dict[str, Any]], app: str) -> None:
    wanted = paint(f"{count(row['quantity'], 'dyno')}, {row['size']}", "bright_black")
    show(f"{paint(row['type'], 'cyan', bold=True)} ({wanted}): {row.get('command') or ''}")
    if dynos:
        _show_dynos(dynos, with_command=False)
    elif row["quantity"]:
        show(f"  {paint('none runs', 'red')}: `kedge why -a {app}` says why")
    else:
        show(paint("  none wanted", "bright_black"))


def _show_dynos(dynos: list[dict[str, Any]], *, with_command: bool) -> None:
    show_table([_row(d, with_command=with_command) for d in sorted(dynos, key=_order)], indent=2)


def _order(dyno: dict[str, Any]) -> tuple[str, int]:
    kind, _, number = dyno["name"].rpartition(".")
    return kind, int(number) if number.isdigit() else 0


def _row(dyno: dict[str, Any], *, with_command: bool) -> list[str]:
    state = dyno["state"]
    cells = [
        dyno["name"],
        paint(state, colour_of(state)),
        f"v{dyno['release']['version']}",
        paint(ago(dyno["updated_at"]), "bright_black"),
    ]
    return [*cells, dyno["size"], dyno["command"]] if with_command else cells
