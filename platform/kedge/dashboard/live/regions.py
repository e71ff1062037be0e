"""The regions of a page, made once for all who look at the same and may do the same.

Whether they still may is asked each time: who may not, or may something else, has to ask anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kedge.dashboard.live.hub import Reader, Watch
from kedge.dashboard.page import Page
from kedge.dashboard.rendering import Fragment
from kedge.dashboard.visit import Visit, visit_app
from kedge.errors import Forbidden, KedgeError
from kedge.ops.services import SEEN, app_topic, seen_topic

REST_SECONDS = 0.2
# A list of many apps changes with each of them.
MANY_REST_SECONDS = 0.6


class Regions(Watch):
    """The regions of a page. A reader's mark names the digest of each they have seen."""

    def __init__(self, page: Page, visit: Visit) -> None:
        whose = visit.actor.account_id if page.is_personal else visit.may
        app_id = visit.app.id if visit.app else None
        chosen = tuple((name, visit.arguments.get(name, "")) for name in page.arguments)
        key = (page.name, app_id, whose, chosen, visit.origin)
        rest = REST_SECONDS if app_id else MANY_REST_SECONDS
        super().__init__(key, rest, page.pace_seconds)
        self._page, self._visit = page, visit
        self._fragments: dict[str, Fragment] = {}
        self._topics = {app_topic(app_id), seen_topic(app_id)} if app_id else set()

    def hears(self, topic: str) -> bool:
        """Changes of the app; for a page that is of no app, of any."""
        return topic in self._topics if self._topics else topic.startswith(f"{SEEN}:")

    def make(self) -> bool:
        """Read and render anew what changed. Raises NotFound when the app is gone."""
        with self._page.moment(self._visit.services):
            facts = self._page.facts(self._visited())
        fragments = self._page.rendered(facts)
        has_changed = fragments != self._fragments
        self._fragments = fragments
        return has_changed

    def since(self, mark: str, token: str) -> tuple[Any, str]:
        """The regions whose digest is not in the mark, by name."""
        seen = set(mark.split(","))
        new = {
            name: fragment.owned(token)
            for name, fragment in self._fragments.items()
            if f"{name}.{fragment.digest}" not in seen
        }
        if not self._fragments:
            return None, mark
        marks = (f"{name}.{each.digest}" for name, each in self._fragments.items())
        return new or None, ",".join(marks)

    def _visited(self) -> Visit:
        """The visit as it is now, by one of those who still may see the same."""
        readers = list(self.readers)
        allowed = {actor: self._visit_of(actor) for actor in {each.account for each in readers}}
        for reader in readers:
            if allowed[reader.account] is None:
                self._dismiss(reader)
        found = next((visit for visit in allowed.values() if visit), None)
        if found is None:
            raise Forbidden("Nobody who looks may do so any more.")
        return found

    def _visit_of(self, actor: Any) -> Visit | None:
        if self._visit.app is None:
            return replace(self._visit, actor=actor)
        try:
            visit = visit_app(
                self._visit.services,
                actor,
                str(self._visit.app.id),
                self._visit.origin,
                self._visit.arguments,
            )
        except KedgeError as error:
            if error.status >= 500:
                raise
            return None
        return visit if visit.may == self._visit.may else None

    def _dismiss(self, reader: Reader) -> None:
        self.readers.discard(reader)
        reader.is_dismissed = True
        reader.changed.set()
