"""What a page consists of: its facts, and the regions that are kept up to date while it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from kedge.dashboard import head
from kedge.dashboard.rendering import Fragment, fragment
from kedge.dashboard.visit import Visit
from kedge.errors import NotFound
from kedge.ops.services import Services

Facts = dict[str, Any]


def no_facts(_visit: Visit) -> Facts:
    """For a page that shows nothing but the visit."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page. `regions` are its live parts by name, each a template; `load` has the facts for them.

    `of_app`: it is a page of an app, with the app's head, and hears what changes of that app.
    Others hear of all apps. `is_personal`: what it shows depends on who looks, not on what they
    may do. `for_owners`: it is shown to owners of the installation alone.
    `asks_elsewhere`: its facts come from other servers too, so they are not all of one moment.
    `pace_seconds`: what it shows changes without a word too, so it is made anew that often.
    `arguments` are the values of the address that its regions depend on. `tab` is the page whose
    tab it lies under, where that is another.
    """

    name: str
    title: str
    tab: str = ""
    load: Callable[[Visit], Facts] = no_facts
    regions: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    of_app: bool = True
    is_personal: bool = False
    for_owners: bool = False
    asks_elsewhere: bool = False
    pace_seconds: float | None = None

    def facts(self, visit: Visit) -> Facts:
        """All that its templates need, of one moment."""
        with self.moment(visit.services):
            facts = {"visit": visit, "may": visit.may} | self.load(visit)
            return facts | head.load(visit) if self.of_app else facts

    def moment(self, services: Services) -> AbstractContextManager[None]:
        """Within this block the database is seen as its facts see it."""
        return nullcontext() if self.asks_elsewhere else services.database.moment()

    def rendered(self, facts: Facts) -> dict[str, Fragment]:
        """Its regions, by name."""
        return {name: fragment(template, **facts) for name, template in self.all_regions.items()}

    @property
    def live_name(self) -> str:
        """The name under which its regions are kept up to date."""
        return self.name if self.name in PAGES else HEAD

    @property
    def all_regions(self) -> Mapping[str, str]:
        """Its regions with the app's head, where it has one."""
        return {"head": "app/head", **self.regions} if self.of_app else self.regions


PAGES: dict[str, Page] = {}


# Pages that change with what their reader does, not with the app, have its head kept up to date.
HEAD = "head"


def register(page: Page) -> Page:
    """Make a page one that can be kept up to date while it is open."""
    PAGES[page.name] = page
    return page


register(Page(name=HEAD, title=""))


def find(name: str) -> Page:
    """The page of that name. Raises NotFound."""
    if name not in PAGES:
        raise NotFound.of("page", "There is no such page.")
    return PAGES[name]
