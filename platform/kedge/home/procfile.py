"""The Procfile: which processes there are and how each is started."""

from __future__ import annotations

import re
from pathlib import Path

from kedge.errors import StartRefused

LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")
# The checkout's own; an installed package carries none.
OWN = Path(__file__).resolve().parents[3] / "Procfile"


def read(path: Path) -> dict[str, str]:
    """Process type → command line, in the file's order.

    Raises:
        StartRefused: there is no such file, or it holds no process.
    """
    try:
        found = parse(path.read_text())
    except OSError as error:
        raise StartRefused(
            f"The Procfile {path} cannot be read: {error.strerror}.",
            "Start Kedge from its checkout, where `make setup` was run.",
        ) from error
    if not found:
        raise StartRefused(
            f"The Procfile {path} names no process.", "Each line is `name: command`."
        )
    return found


def parse(text: str) -> dict[str, str]:
    """The lines `name: command`; comments and everything else are passed over, as on Heroku."""
    return {match[1]: match[2].strip() for line in text.splitlines() if (match := LINE.match(line))}
