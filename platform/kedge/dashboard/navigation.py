"""The tabs of an app's pages, and the account's menu. Pages there are not have neither."""

from __future__ import annotations

from dataclasses import dataclass

from kedge.dashboard.page import PAGES
from kedge.dashboard.visit import Visit
from kedge.ops.authorize import Actor


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab. `needs` is the permission without which it is not shown."""

    page: str
    title: str
    icon: str
    part: str = ""
    needs: str = "view"


# In Heroku's order; the log, which Heroku has in a menu, is looked at more than all else.
TABS = (
    Tab("overview", "Overview", "grid-1x2"),
    Tab("resources", "Resources", "boxes", "resources"),
    Tab("deploy", "Deploy", "rocket-takeoff", "deploy"),
    Tab("metrics", "Metrics", "graph-up", "metrics"),
    Tab("activity", "Activity", "clock-history", "activity"),
    Tab("access", "Access", "people", "access"),
    Tab("logs", "Logs", "terminal", "logs"),
    Tab("settings", "Settings", "gear", "settings"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the account's menu. `for_owners`: of the installation alone."""

    page: str
    title: str
    icon: str
    path: str
    for_owners: bool = False


LINKS = (
    Link("account", "Account", "person", "/dashboard/account"),
    Link("platform", "Platform", "hdd-stack", "/dashboard/platform", for_owners=True),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A page of the platform."""

    page: str
    title: str
    icon: str
    path: str


PLATFORM = (
    Part("platform", "Overview", "activity", "/dashboard/platform"),
    Part("platform_people", "People", "people", "/dashboard/platform/people"),
    Part("platform_services", "Add-on services", "puzzle", "/dashboard/platform/services"),
    Part("platform_audit", "Audit log", "clock-history", "/dashboard/platform/audit"),
)


def links_for(actor: Actor | None) -> list[Link]:
    """The pages of the account's menu that there are, for this person."""
    if actor is None:
        return []
    return [
        link for link in LINKS if link.page in PAGES and (actor.is_owner or not link.for_owners)
    ]


def tabs_for(visit: Visit) -> list[Tab]:
    """The tabs of the pages there are, that this visitor may open."""
    return [tab for tab in TABS if tab.page in PAGES and tab.needs in visit.may]
