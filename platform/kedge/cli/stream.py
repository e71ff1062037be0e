"""Text that comes while it is written: the output of builds and release commands."""

from __future__ import annotations

import sys
import time

from kedge.cli.api import Api
from kedge.cli.failure import CommandFailed

# The stream answers 404 until the build or the release command has started.
START_SECONDS = 600.0
POLL_SECONDS = 0.5


def copy_output(api: Api, url: str) -> None:
    """Copy the text at a stream's URL to stdout until it ends.

    Raises:
        CommandFailed: it does not start, or is no longer kept.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _copied(api, url):
        if time.monotonic() > deadline:
            raise CommandFailed("There is no output: it did not start within ten minutes.")
        time.sleep(POLL_SECONDS)


def _copied(api: Api, url: str) -> bool:
    """Whether the stream was there, and is now copied."""
    with api.open("GET", url) as answer:
        if answer.status_code == 404:
            return False
        if answer.status_code >= 300:
            raise CommandFailed(f"The output cannot be read: status {answer.status_code}.")
        for piece in answer.iter_bytes():
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    return True
