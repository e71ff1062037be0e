"""What a person sees: words, marks and colours. Data go to stdout, everything else to stderr.

Colours are put on always and taken off by Click where the stream is no terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

GOOD, BAD, BUSY, NAME, FAINT = "green", "red", "yellow", "cyan", "bright_black"
_STATE_COLOURS = {
    "up": GOOD, "succeeded": GOOD, "ok": GOOD, "live": GOOD,
    "crashed": BAD, "failed": BAD, "down": BAD,
    "starting": BUSY, "pending": BUSY, "provisioning": BUSY,
    "expired": FAINT, "idle": FAINT, "ended": FAINT, "complete": FAINT,
}  # fmt: skip


def colour_refused() -> bool:
    """Whether the environment asks for no colour (https://no-color.org, or a dumb terminal)."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def paint(text: str, colour: str | None = None, *, bold: bool = False) -> str:
    """The text in a colour."""
    return click.style(text, fg=colour, bold=bold or None) if text else text


def colour_of(state: str) -> str | None:
    """The colour of a state of a dyno, release, build or part."""
    return _STATE_COLOURS.get(state)


def app_name(name: str) -> str:
    """An app's name as it is shown everywhere."""
    return paint(name, NAME, bold=True)


def show(text: str = "") -> None:
    """A line of data, on stdout."""
    click.echo(text)


def say(text: str = "", *, newline: bool = True) -> None:
    """A line of progress or explanation, on stderr."""
    click.echo(text, err=True, nl=newline)


@contextmanager
def doing(text: str) -> Iterator[None]:
    """`Creating shop... ` on stderr; what comes of it is said on the same line, a failure below."""
    say(f"{text}... ", newline=False)
    try:
        yield
    except BaseException:
        say("failed")
        raise


def heading(text: str) -> None:
    """A headline above data; on a terminal only, so that pipes carry data alone."""
    if sys.stdout.isatty():
        show(paint(text, bold=True))


def show_json(value: Any) -> None:
    """The answer as JSON, on stdout, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def confirmed(question: str) -> bool:
    """Ask yes or no on stderr; Enter means no."""
    return click.confirm(question, default=False, err=True)


def is_terminal() -> bool:
    """Whether a person can be asked: stdin and stderr are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def count(number: int, noun: str) -> str:
    """`1 dyno`, `2 dynos`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
