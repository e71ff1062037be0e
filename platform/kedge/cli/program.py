"""The program: a group whose commands load when they are called, and its exit statuses."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import click

from kedge.cli.catalogue import BY_NAME, ENTRIES
from kedge.cli.failure import CommandFailed
from kedge.cli.screen import colour_refused

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130
PIPE_CLOSED = 141


class Program(click.Group):
    """`kedge`: finds a command by its name in the catalogue and imports only that one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click asks so
        """The names of all commands, in the catalogue's order."""
        return [entry.name for entry in ENTRIES]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - Click asks so
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name or alias; None when there is none."""
        entry = BY_NAME.get(cmd_name)
        if entry is None:
            return None
        module, function = entry.place.split(":")
        command: click.Command = getattr(import_module(f"kedge.cli.{module}"), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click's, but a wrong name is answered with the nearest right one."""
        if args[0] not in BY_NAME and not args[0].startswith("-"):
            near = get_close_matches(args[0], BY_NAME, n=1)
            hint = f" Did you mean `kedge {near[0]}`?" if near else ""
            ctx.fail(f"There is no command `{args[0]}`.{hint} `kedge help` lists them.")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - Click asks so
        formatter: click.HelpFormatter,
    ) -> None:
        """The commands by section, from the catalogue alone."""
        shown = [entry for entry in ENTRIES if not entry.hidden]
        width = max(len(entry.name) for entry in shown)
        for section in dict.fromkeys(entry.section for entry in shown):
            with formatter.section(section):
                rows = [(e.name.ljust(width), e.summary) for e in shown if e.section == section]
                formatter.write_dl(rows)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - Click asks so
        incomplete: str,
    ) -> list[CompletionItem]:
        """The names of commands that begin so, from the catalogue alone."""
        from click.shell_completion import CompletionItem  # only in completion

        fitting = [e for e in ENTRIES if not e.hidden and e.name.startswith(incomplete)]
        return [CompletionItem(entry.name, help=entry.summary) for entry in fitting]


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", metavar="URL", help="The platform to speak to, e.g. https://kedge.example.")
def program(url: str | None) -> None:
    """Deploy, scale, inspect and roll back apps on Kedge.

    Most commands take `-a APP`; in a git checkout with a remote named `kedge` it is known already.
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command these arguments name. Out: the exit status; every error is shown here."""
    colour = False if colour_refused() else None
    try:
        status = program.main(list(arguments), "kedge", standalone_mode=False, color=colour)
        sys.stdout.flush()
    except click.UsageError as wrong:
        wrong.show()
        return 2
    except click.ClickException as failed:
        failed.show()
        return failed.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_went_away()
    except OSError as failed:
        CommandFailed(_in_words(failed)).show()
        return 1
    return status if isinstance(status, int) else 0


def _reader_went_away() -> int:
    """`kedge logs | head`: nobody reads on. Keeps Python from complaining at its own exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _in_words(failed: OSError) -> str:
    named = f"{failed.filename}: " if failed.filename else ""
    return f"{named}{failed.strerror or failed}"
