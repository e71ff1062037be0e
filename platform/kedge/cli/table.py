"""Rows in columns: Rich on a terminal, where long cells fold; plain aligned text elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import click

from kedge.cli.screen import colour_refused, show

ANSI = re.compile(r"\x1b\[[0-9;]*m")
GAP = "  "


def show_table(rows: Sequence[Sequence[str]], *, fold: int = -1, indent: int = 0) -> None:
    """Print rows on stdout.

    Args:
        rows: cells, which may hold colours; all rows have the same number.
        fold: the column that gives way when the terminal is too narrow; the others stay whole.
        indent: blanks before each row.
    """
    if not rows:
        return
    if sys.stdout.isatty():
        _show_rich(rows, fold % len(rows[0]), indent)
    else:
        for line in aligned(rows, indent=indent):
            show(line)


def aligned(rows: Sequence[Sequence[str]], *, indent: int = 0) -> list[str]:
    """The rows as lines of plain text, each column as wide as its widest cell."""
    plain = [[ANSI.sub("", cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*plain, strict=True)]
    return [
        (
            " " * indent
            + GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in plain
    ]


def _show_rich(rows: Sequence[Sequence[str]], fold: int, indent: int) -> None:
    from rich.console import Console  # costs 60 ms; only a terminal needs it
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, len(GAP), 0, 0), pad_edge=False)
    for number in range(len(rows[0])):
        table.add_column(no_wrap=number != fold, overflow="fold" if number == fold else "ellipsis")
    for row in rows:
        cells = [Text.from_ansi(cell) for cell in row]
        cells[0].pad_left(indent)
        table.add_row(*cells)
    Console(file=sys.stdout, highlight=False, no_color=colour_refused()).print(table)


def dimmed_header(*titles: str) -> list[str]:
    """The row of column titles."""
    return [click.style(title, fg="bright_black") for title in titles]
