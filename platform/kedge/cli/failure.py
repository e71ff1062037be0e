"""How a command fails: one sentence of what is wrong, one of what to do next, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click


class CommandFailed(click.ClickException):
    """The command could not do what was asked. Shown on stderr; `next_step` says what to type."""

    exit_code = 1

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step

    def show(self, file: IO[Any] | None = None) -> None:
        """Print `Error: …` and the next step, the continuation lines under the first."""
        label = click.style("Error:", fg="red", bold=True)
        click.echo(f"{label} {self.message}".replace("\n", "\n       "), file=file, err=True)
        for line in self.next_step.splitlines():
            click.echo(f"{click.style('    ->', fg='cyan')} {line}", file=file, err=True)


@contextmanager
def in_words() -> Iterator[None]:
    """A refusal of the platform's own code, called on this machine, as the command's failure."""
    from kedge.errors import KedgeError, StartRefused  # few commands call it

    try:
        yield
    except StartRefused as refused:
        raise CommandFailed(refused.reason, refused.remedy) from None
    except KedgeError as refused:
        raise CommandFailed(refused.message) from None


class PlatformUnreachable(CommandFailed):
    """Nothing answers at the platform's URL; apps may well be serving."""


class ApiRefused(CommandFailed):
    """The platform answered with an error: `status` and Heroku's `id` say which."""

    def __init__(self, status: int, error_id: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.status = status
        self.error_id = error_id
