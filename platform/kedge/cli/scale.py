"""How many dynos run, and how large: `kedge ps:scale`, `ps:type`."""

from __future__ import annotations

import re
from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.options import json_option, on_app, wait_option
from kedge.cli.rollout import look, wait_for_dynos
from kedge.cli.screen import app_name, count, heading, say, show, show_json
from kedge.cli.table import show_table

_CHANGE = re.compile(r"(?P<type>[\w-]+?)(?P<by>[=+-])(?P<number>\d+)(?::(?P<size>[\w-]+))?")
_SIZE = re.compile(r"(?P<type>[\w-]+)=(?P<size>[A-Za-z][\w-]*)")


@click.command("ps:scale")
@click.argument("changes", nargs=-1, metavar="[TYPE=N[:SIZE]|TYPE+N|TYPE-N]...")
@on_app
@json_option
@wait_option
def scale(app: AppApi, changes: tuple[str, ...], as_json: bool, wait: bool) -> None:
    """Show or change how many dynos of each process type run: `web=2 worker+1 clock=0`."""
    if not changes:
        _show(app, as_json=as_json)
        return
    _apply(app, [scale_change(change) for change in changes], as_json=as_json, wait=wait)


@click.command("ps:type")
@click.argument("changes", nargs=-1, metavar="[SIZE|TYPE=SIZE...]")
@on_app
@json_option
@wait_option
def type_(app: AppApi, changes: tuple[str, ...], as_json: bool, wait: bool) -> None:
    """Show or change the size of dynos: `standard-2x` for all, `web=standard-2x` for a type."""
    formation = app.api.all(app.path("formation"))
    if not changes:
        _show(app, as_json=as_json, sizes=True)
        return
    _apply(app, size_changes(changes, formation), as_json=as_json, wait=wait)


def scale_change(text: str) -> dict[str, Any]:
    """`web=2:standard-1x`, `web+1` as the API's update.

    Raises:
        UsageError: it is none.
    """
    match = _CHANGE.fullmatch(text)
    if match is None:
        raise click.UsageError(f"{text!r} is not TYPE=N, TYPE+N or TYPE-N, as in web=2.")
    number = match["number"]
    quantity = int(number) if match["by"] == "=" else f"{match['by']}{number}"
    update = {"type": match["type"], "quantity": quantity}
    return update | ({"size": match["size"]} if match["size"] else {})


def size_changes(texts: tuple[str, ...], formation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`standard-2x`, or `web=standard-2x worker=basic`, as the API's updates.

    Raises:
        UsageError: it is neither.
    """
    if len(texts) == 1 and "=" not in texts[0]:
        return [{"type": row["type"], "size": texts[0]} for row in formation]
    matches = [(text, _SIZE.fullmatch(text)) for text in texts]
    for text, match in matches:
        if match is None:
            raise click.UsageError(f"{text!r} is not TYPE=SIZE, as in web=standard-2x.")
    return [{"type": m["type"], "size": m["size"]} for _, m in matches if m]


def _apply(app: AppApi, updates: list[dict[str, Any]], *, as_json: bool, wait: bool) -> None:
    before = look(app) if wait else None
    changed = app.api.patch(app.path("formation"), {"updates": updates})
    now = ", ".join(f"{row['type']}={row['quantity']}:{row['size']}" for row in changed)
    say(f"Scaling {app_name(app.name)}: {now}")
    if wait:
        wait_for_dynos(app, before)
    if as_json:
        show_json(changed)


def _show(app: AppApi, *, as_json: bool, sizes: bool = False) -> None:
    formation = app.api.all(app.path("formation"))
    if as_json:
        show_json(formation)
    elif not formation:
        say(f"{app_name(app.name)} has no process types yet. Deploy with `git push kedge`.")
    elif sizes:
        heading(f"Dyno sizes of {app.name}")
        show_table([[r["type"], r["size"], count(r["quantity"], "dyno")] for r in formation])
    else:
        show(" ".join(f"{r['type']}={r['quantity']}:{r['size']}" for r in formation))
