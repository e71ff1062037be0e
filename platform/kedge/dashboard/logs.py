"""An app's log: its newest lines, live, and those that hold some text or belong to one request."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response
from markupsafe import Markup, escape

from kedge.dashboard import paths
from kedge.dashboard.answers import show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.terminal import rendered
from kedge.dashboard.visit import Visit
from kedge.engine.logs import format_line
from kedge.engine.protocols import LogFilter, LogLine
from kedge.ops import dynos, formations
from kedge.ops.services import Services

routes = Blueprint("logs", __name__)
LINES = 500
SEARCHED_LINES = 1500
TEXT_LIMIT = 200
POLL_SECONDS = 0.25
SOURCES = {"": "Everything", "app": "The app", "heroku": "The platform"}
HUES = 8
REQUEST_ID = re.compile(r"(?<=\brequest_id=)[A-Za-z0-9._-]{8,200}")
TROUBLE = re.compile(r"\bError [A-Z]\d\d\b|\bat=error\b|State changed from \w+ to crashed")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are shown. `text` is looked for in any case."""

    source: str = ""
    process: str = ""
    text: str = ""

    @classmethod
    def of(cls, visit: Visit) -> Filter:
        """As the address says."""
        source = visit.arguments.get("source", "")
        return cls(
            source if source in SOURCES else "",
            visit.arguments.get("process", "")[:80],
            visit.arguments.get("text", "").strip()[:TEXT_LIMIT],
        )

    @property
    def kept(self) -> LogFilter:
        """What the log store looks for; the text is looked for here."""
        return LogFilter(self.source or None, self.process or None)

    def matching(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """The lines that hold the text."""
        wanted = self.text.lower()
        if not wanted:
            return list(lines)
        return [line for line in lines if wanted in format_line(line).lower()]


class LogTail:
    """Somebody following a log. Their mark is the log store's cursor."""

    poll_seconds = POLL_SECONDS

    def __init__(self, services: Services, visit: Visit) -> None:
        self._services, self._visit, self._filter = services, visit, Filter.of(visit)

    def since(self, mark: str) -> tuple[Any, str]:
        """The lines after the mark, as HTML."""
        app_id = self._visit.the_app.id
        if not mark:
            return None, self._services.logs.tail(app_id, 0, self._filter.kept)[1]
        lines, cursor = self._services.logs.follow(app_id, mark, self._filter.kept)
        shown = [row(self._visit, line) for line in self._filter.matching(lines)]
        return ({"rows": shown} if shown else None), cursor


def row(visit: Visit, line: LogLine) -> str:
    """A line of the log as HTML: coloured by its process, with its request's id as a link."""
    moment, _, rest = format_line(line).partition(" ")
    label = rest.partition(": ")[0]
    hue = zlib.crc32(label.encode()) % HUES
    is_trouble = line.source == "heroku" and TROUBLE.search(line.text)
    text = linked(visit, line.text) if line.process == "router" else rendered(line.text)[0]
    return (
        f'<div class="line{" is-trouble" if is_trouble else ""}">'
        f'<span class="line-at" title="{escape(moment)}">{escape(moment[11:23])}</span> '
        f'<span class="line-by hue-{hue}">{escape(label)}</span> '
        f'<span class="line-text">{text}</span></div>'
    )


def linked(visit: Visit, text: str) -> Markup:
    """A router line whose request id leads to all lines that name it."""
    found = REQUEST_ID.search(text)
    if not found:
        return escape(text)
    link = Markup('{}<a href="{}">{}</a>{}')
    path = paths.app(visit.name, "logs", text=found[0])
    return link.format(text[: found.start()], path, found[0], text[found.end() :])


def load(visit: Visit) -> Facts:
    """What can be chosen; the lines themselves come apart from what is kept up to date."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    formation, _ = formations.list_formation(services, actor, name)
    running = [dyno.name for dyno in dynos.list_dynos(services, actor, name)]
    types = [each.type for each in formation]
    return {"filter": Filter.of(visit), "sources": SOURCES,
            "processes": sorted({*types, *running, "router", "api"})}  # fmt: skip


PAGE = register(Page(name="logs", title="Logs", load=load, arguments=("source", "process", "text")))


@routes.get("/dashboard/apps/<app>/logs")
def show_(app: str) -> Response:
    """The log."""
    seen = visit(app, PAGE)
    wanted = Filter.of(seen)
    most = SEARCHED_LINES if wanted.text else LINES
    lines, cursor = seen.services.logs.tail(seen.the_app.id, most, wanted.kept)
    rows = [row(seen, line) for line in wanted.matching(lines)[-LINES:]]
    return show(PAGE, seen, rows=Markup("").join(map(Markup, rows)), cursor=cursor)
