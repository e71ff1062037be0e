"""Build output in Heroku's form; every line is written out at once."""

from __future__ import annotations

import sys


def _say(line: str) -> None:
    # File names need not be UTF-8; what is shown has to be.
    shown = line.rstrip().encode(errors="replace").decode()
    sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()


def step(text: str) -> None:
    """`-----> text`: a stage of the build begins."""
    _say(f"-----> {text}")


def detail(text: str = "") -> None:
    """Seven spaces and the text, line by line: what happens within a stage."""
    for line in text.splitlines() or [""]:
        _say(f"       {line}")


def error(text: str = "") -> None:
    """Heroku's ` !     text`, line by line: an error or a warning, for the pusher's eyes."""
    for line in text.splitlines() or [""]:
        _say(f" !     {line}")


def blank() -> None:
    """An empty line."""
    _say("")


def human_size(size_bytes: int) -> str:
    """A size as Heroku writes it: `312B`, `9.6K`, `42.2M`, `1.1G`."""
    size = float(size_bytes)
    for unit in ("B", "K", "M"):
        if size < 1024:
            return f"{size:.0f}B" if unit == "B" else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}G"
