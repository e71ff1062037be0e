"""The platform's one-off dynos, as runs need them: started once for each run, and found again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from kedge_addons.errors import Refused, Unknown
from kedge_addons.platform import Platform
from kedge_addons.resource import Resource
from kedge_addons.resources import Resources
from kedge_addons.scheduler.job import RunRow

TYPE = "scheduler"  # Heroku's name for these dynos: scheduler.4821


class PlatformDynos:
    """Dynos of the app an add-on belongs to, asked for with the add-on's token."""

    def __init__(self, platform: Platform, resources: Resources) -> None:
        self._platform, self._resources = platform, resources

    def find(self, resource: Resource, run_id: uuid.UUID) -> Mapping[str, Any] | None:
        """The dyno of a run, None where there is none. Raises Away."""
        try:
            found: Mapping[str, Any] = self._platform.call(
                resource.id, "GET", f"/kedge/dynos/{run_id}"
            )
        except Unknown:
            return None
        return found

    def start(self, resource: Resource, run: RunRow, seconds: int) -> Mapping[str, Any]:
        """Start the dyno of a run, or find it started. Raises Refused, Away."""
        wanted = {
            "command": run.command, "size": run.size, "type": TYPE, "attach": False,
            "time_to_live": seconds,
        }  # fmt: skip
        try:
            made: Mapping[str, Any] = self._platform.call(
                resource.id, "POST", f"/apps/{self._app_id(resource)}/dynos", wanted,
                headers={"Idempotency-Key": str(run.id)},
            )  # fmt: skip
        except Unknown as unknown:
            raise Refused(unknown.message) from unknown
        return made

    def _app_id(self, resource: Resource) -> str:
        known = resource.facts.get("app_id")
        if known is None:
            addon = self._platform.call(resource.id, "GET", f"/addons/{resource.id}")
            known = addon["app"]["id"]
            self._resources.keep(resource, facts={"app_id": known})
        return str(known)
