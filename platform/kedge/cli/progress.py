"""One line of progress on stderr: it changes in place on a terminal, and is repeated elsewhere."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import Self

import click

CLEAR = "\r\x1b[2K"


class Progress:
    """`with Progress() as line: line.show("Rolling out v8"); …; line.settle("v8 is live.")`."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._in_place and self._shown:
            click.echo(CLEAR, err=True, nl=False)

    def show(self, text: str) -> None:
        """Say what goes on now; nothing when it is what was said last."""
        if text == self._shown:
            return
        self._shown = text
        if self._in_place:
            room = shutil.get_terminal_size().columns - 1
            plain = click.unstyle(text)
            shown = text if len(plain) <= room else plain[: room - 1] + "…"
            click.echo(f"{CLEAR}{shown}", err=True, nl=False)
        else:
            click.echo(text, err=True)

    def settle(self, text: str) -> None:
        """Say how it ended; this line stays."""
        click.echo(f"{CLEAR if self._in_place else ''}{text}", err=True)
        self._shown = ""
