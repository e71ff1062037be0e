"""Kedge on this machine: `kedge up`, `down`, `uninstall`, `status`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kedge.cli.failure import in_words
from kedge.cli.moment import ago
from kedge.cli.options import json_option
from kedge.cli.progress import Progress
from kedge.cli.screen import colour_of, heading, is_terminal, paint, say, show_json
from kedge.cli.table import show_table


@click.command("up")
@click.option("-d", "--detach", is_flag=True, help="Return once it is ready; it stays up.")
def up(detach: bool) -> int:
    """Start Kedge on this machine, and keep it up until Ctrl-C.

    Settings come from the environment (docs/settings.md); everything lies in KEDGE_HOME.
    """
    from kedge.home import commands  # only these commands load the platform's code

    with in_words():
        return commands.up(_settings(), detach=detach, say=say)


@click.command("down")
@click.option("--stop-dynos", is_flag=True, help="Stop the dynos too; else they go on serving.")
def down(stop_dynos: bool) -> int:
    """Stop Kedge on this machine. Dynos go on serving and are taken over by the next `up`."""
    from kedge.home import commands

    with in_words():
        return commands.down(_settings(), stop_dynos=stop_dynos, say=say)


@click.command("uninstall")
@click.option("--keep-data", is_flag=True, help="Leave database, repositories, slugs and keys.")
@click.option("-c", "--confirm", metavar="PATH", help="The home's path, instead of typing it.")
def uninstall(keep_data: bool, confirm: str | None) -> int:
    """Remove Kedge from this machine: its apps, containers, images, volumes and its home.

    Says first what that is. With --keep-data the next `kedge up` brings every app back.
    """
    from kedge.home import commands

    with in_words(), Progress() as progress:
        return commands.uninstall(
            _settings(),
            keep_data=keep_data,
            confirm=lambda home: confirm or _typed(home),
            say=progress.settle,
            told=lambda kind, number, every: _show_removed(progress, kind, number, every),
        )


@click.command("status")
@json_option
def status(as_json: bool) -> int:
    """Show whether Kedge on this machine is ready, and each of its parts; exits 0 only then."""
    from kedge.home import commands

    with in_words():
        found: dict[str, Any] = commands.status(_settings()).as_json()
    if as_json:
        show_json(found)
    else:
        ready = paint("ready", "green") if found["ready"] else paint("not ready", "red")
        heading(f"Kedge {found['version']}")
        say(f"{ready} at {found['url']}" + ("" if found["ready"] else ". `kedge up` starts it."))
        show_table([_part(part) for part in found["parts"]], fold=-1)
    return 0 if found["ready"] else 1


@click.command("doctor")
@json_option
def doctor(as_json: bool) -> int:
    """Check what Kedge needs from this machine; says what to do about each thing that is wrong."""
    from kedge.home import commands

    with in_words():
        findings = commands.doctor(_settings())
    if as_json:
        show_json(
            [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings]
        )
    else:
        for found in findings:
            _show_finding(found)
    return 0 if all(found.ok for found in findings) else 1


def _typed(home: Path) -> str:
    """The home's path as a person types it to confirm; "" when nobody can be asked."""
    if not is_terminal():
        return ""
    say(f"Nothing brings this back. It is all of {paint(str(home), bold=True)}.")
    typed: str = click.prompt("Type that path to go on", err=True, default="", show_default=False)
    return typed


def _show_removed(progress: Progress, kind: str, number: int, every: int) -> None:
    """On a terminal each one, else a line for each kind."""
    if is_terminal() or number == every:
        progress.show(f"-----> Removing {kind}: {number} of {every}")


def _settings() -> Any:
    from kedge import settings

    return settings.load()


def _part(part: dict[str, Any]) -> list[str]:
    state = part["state"]
    return [
        part["name"],
        paint(state, colour_of(state)),
        f"pid {part['pid']}" if part.get("pid") else "",
        paint(ago(part.get("since")), "bright_black"),
        part.get("detail") or "",
    ]


def _show_finding(found: Any) -> None:
    mark = paint("✓", "green") if found.ok else paint("✗", "red")
    show_table([[mark, found.name, found.detail or ""]])
    if not found.ok and found.remedy:
        show_table([[paint("->", "cyan"), found.remedy]], indent=4)
