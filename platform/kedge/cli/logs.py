"""`kedge logs`: the log of an app, once or as it grows."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import click

from kedge.cli.api import AppApi
from kedge.cli.event_stream import events
from kedge.cli.failure import CommandFailed, PlatformUnreachable
from kedge.cli.options import on_app
from kedge.cli.screen import colour_refused, paint

LINE = re.compile(r"(?P<at>\S+) (?P<source>[^\[\s]+)\[(?P<dyno>[^\]]*)\]: ?(?P<message>.*)")
TROUBLE = re.compile(r"\b(?:code=H\d\d|Error (?:R|L)\d\d|at=error)")
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_magenta")
# The platform sends a heartbeat each 15 s: silence for longer means that the connection is dead.
SILENCE_SECONDS = 60.0
AWAY_SECONDS = 120.0
PAUSE_SECONDS = 1.0


@click.command("logs")
@on_app
@click.option("-t", "--tail", is_flag=True, help="Go on as lines come, until Ctrl-C.")
@click.option("-n", "--num", type=click.IntRange(1, 1500), default=100, show_default=True,
              help="How many lines that are there already.")  # fmt: skip
@click.option("-d", "--dyno", help="Only of a dyno (web.1) or a process type (web).")
@click.option("-s", "--source", help="Only of a source: app, or heroku (router and platform).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def logs(
    app: AppApi, *, tail: bool, num: int, dyno: str | None, source: str | None, as_json: bool
) -> None:
    """Print the log of an app; lines of one dyno have one colour."""
    asked: dict[str, Any] = {"lines": num, "tail": tail}
    asked |= {"dyno": dyno} if dyno else {}
    asked |= {"source": source} if source else {}
    reader = Reader(app, asked, as_json=as_json)
    if tail:
        reader.read_on()
    reader.read()


class Reader:
    """Reads log sessions, one after the other, and goes on where the last one broke off."""

    def __init__(self, app: AppApi, asked: dict[str, Any], *, as_json: bool) -> None:
        self._app = app
        self._asked = asked
        self._as_json = as_json
        self._url = self._session(asked)
        self._last_id: str | None = None
        self._heard_at = time.monotonic()

    def read(self) -> None:
        """Print lines until the stream ends.

        Raises:
            PlatformUnreachable: the connection broke.
            CommandFailed: the session is over.
        """
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        silence = SILENCE_SECONDS if self._asked["tail"] else None
        with self._app.api.open("GET", self._url, headers=headers, read_seconds=silence) as answer:
            if answer.status_code in (403, 404):
                raise SessionOver
            if answer.status_code != 200:
                raise CommandFailed(f"The log cannot be read: status {answer.status_code}.")
            for event in events(self._heard(answer.iter_bytes())):
                self._last_id = event.id or self._last_id
                for line in event.lines:
                    _print(line, as_json=self._as_json)

    def read_on(self) -> NoReturn:
        """Print lines for ever; after a break connect again and print what came since.

        Raises:
            PlatformUnreachable: the platform was away for two minutes.
        """
        while True:
            try:
                self.read()
            except (SessionOver, PlatformUnreachable) as broken:
                if time.monotonic() - self._heard_at > AWAY_SECONDS:
                    raise
                if isinstance(broken, SessionOver):
                    self._renew()
            time.sleep(PAUSE_SECONDS)

    def _heard(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, noting when each came; heartbeats count."""
        for piece in pieces:
            self._heard_at = time.monotonic()
            yield piece

    def _renew(self) -> None:
        """A new session, which goes on after the last line that came (by Last-Event-ID)."""
        self._asked["lines"] = 1
        with contextlib.suppress(PlatformUnreachable):
            self._url = self._session(self._asked)

    def _session(self, asked: dict[str, Any]) -> str:
        session = self._app.api.post(self._app.path("log-sessions"), asked)
        return str(session["logplex_url"])


class SessionOver(CommandFailed):
    """The platform no longer knows the log session."""

    def __init__(self) -> None:
        super().__init__("The log session is over.", "Run `kedge logs` again.")


def _print(line: str, *, as_json: bool) -> None:
    match = LINE.fullmatch(line)
    if as_json:
        whole = match.groupdict() if match else {"message": line}
        line = json.dumps(whole)  # ASCII: programs that split at U+2028 get whole objects
    elif match and sys.stdout.isatty() and not colour_refused():
        line = coloured(match)
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def coloured(match: re.Match[str]) -> str:
    """A line with its source in the dyno's colour, and router and platform errors in red."""
    name = f"{match['source']}[{match['dyno']}]"
    colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
    message = match["message"]
    if match["source"] == "heroku" and TROUBLE.search(message):
        message = paint(message, "red")
    return f"{paint(match['at'], 'bright_black')} {paint(name + ':', colour)} {message}"
