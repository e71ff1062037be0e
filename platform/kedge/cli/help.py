"""`kedge help`, `kedge version`."""

from __future__ import annotations

import click

from kedge import __version__
from kedge.cli.screen import show


@click.command("help")
@click.argument("command", required=False)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Show the help of a command, or the list of all."""
    root = context.find_root()
    if command is None:
        show(root.get_help())
        return
    group = root.command
    assert isinstance(group, click.Group)  # noqa: S101 - the program is one
    name, found, _ = group.resolve_command(root, [command])
    assert found is not None  # noqa: S101 - resolve_command fails otherwise
    show(found.get_help(click.Context(found, parent=root, info_name=name)))


@click.command("version")
def version() -> None:
    """Print the version."""
    show(f"kedge {__version__}")
