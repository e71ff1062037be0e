"""What happened to an app: its releases and builds, and what differs between two releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request

from kedge.dashboard.answers import show, visit
from kedge.dashboard.live.output import Screenful
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import BadRequest, InvalidParams
from kedge.model.build import Build
from kedge.model.release import Release
from kedge.ops import builds, history, releases
from kedge.ops.pages import Bound
from kedge.ops.pages import Page as Span

routes = Blueprint("activity", __name__)
PAGE_RELEASES = 25
BUILDS = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: a release, or a build that made none."""

    at: datetime
    release: Release | None = None
    build: Build | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of what happened, newest first; the next one holds what is before release `older`."""

    entries: list[Entry]
    older: int | None


def recent(visit: Visit, limit: int) -> list[Entry]:
    """The newest entries."""
    return entries(visit, None, limit).entries[:limit]


def entries(visit: Visit, before: int | None, limit: int) -> Entries:
    """Releases before that number with the builds of their time that made none."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    bound = Bound(before, is_exclusive=True) if before else None
    span = Span(key="version", limit=limit, first=bound, descending=True)
    rows = releases.list_releases(services, actor, name, span)
    more, rows = len(rows) > limit, rows[:limit]
    oldest = Bound(rows[-1].created_at) if more else None
    newest = Bound(rows[0].created_at, is_exclusive=True) if before and rows else None
    asked = Span(key="created_at", limit=BUILDS, first=newest, last=oldest, descending=True)
    found = builds.list_builds(services, actor, name, asked)[:BUILDS]
    merged = [Entry(row.created_at, release=row) for row in rows]
    merged += [Entry(b.created_at, build=b) for b, made in found if made is None]
    merged.sort(key=lambda entry: entry.at, reverse=True)
    return Entries(merged, rows[-1].version if more else None)


def load(visit: Visit) -> Facts:
    """A page of what happened."""
    before = visit.arguments.get("before", "")
    if before and not (before.isdecimal() and len(before) < 10):
        raise BadRequest("This is not a page of the activity. Begin again at its first page.")
    return {"page_of": entries(visit, int(before) if before else None, PAGE_RELEASES),
            "before": before}  # fmt: skip


def load_release(visit: Visit) -> Facts:
    """A release with what differs from another, by default from the one before it."""
    services, actor, name = visit.services, visit.actor, str(visit.the_app.id)
    release = releases.show(services, actor, name, visit.arguments["version"])
    against = visit.arguments.get("against") or str(max(release.version - 1, 1))
    difference = history.diff(services, actor, name, against, str(release.version))
    return {"release": release, "difference": difference, "against": difference.from_version}


PAGE = register(
    Page(
        name="activity",
        title="Activity",
        load=load,
        regions={"entries": "activity/entries"},
        arguments=("before",),
    )
)
RELEASE = register(
    Page(
        name="release",
        title="Release",
        tab="activity",
        load=load_release,
        regions={"release": "activity/release"},
        arguments=("version", "against"),
    )
)


@routes.get("/dashboard/apps/<app>/activity")
def list_(app: str) -> Response:
    """What happened."""
    return show(PAGE, visit(app, PAGE))


@routes.get("/dashboard/apps/<app>/activity/<version>")
def release(app: str, version: str) -> Response:
    """One release."""
    against = request.args.get("against", "").removeprefix("v")
    seen = visit(app, arguments={"version": version, "against": against})
    if against and not against.isdecimal():
        raise InvalidParams("Name the release to compare with by its number, such as v7.")
    found = releases.show(seen.services, seen.actor, str(seen.the_app.id), version)
    screen = Screenful()
    if found.output_id:
        screen.advance(seen.services, found.output_id)
    return show(RELEASE, seen, screen=screen, title=f"Release v{found.version}",
                output_id=found.output_id)  # fmt: skip
