"""The hooks of objectstore: an S3 server for each add-on, with keys that change and a quota."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from flask import Blueprint

from kedge_addons.errors import Refused
from kedge_addons.instance import Instance
from kedge_addons.keys import new_password
from kedge_addons.objectstore import container, pages
from kedge_addons.objectstore.objects import Objects
from kedge_addons.objectstore.offer import OFFER
from kedge_addons.offer import Offer, Plan
from kedge_addons.resource import Config, Resource
from kedge_addons.served import ServerService

# How long old keys go on after a rotation: the release with the new ones is live by then.
GRACE = timedelta(minutes=2)
NEARLY = 0.9
REGION = "us-east-1"  # what clients take where nothing is said


class ObjectStore(ServerService):
    """Buckets of apps."""

    offer: ClassVar[Offer] = OFFER

    def accept(self, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
        """There are no options."""
        del plan
        if options:
            raise Refused(f"The object store has no option called {min(options)[:60]}.")
        return {}

    def provision(self, resource: Resource) -> Resource:
        """The servers, the bucket, and a key."""
        if "key" not in resource.secrets:
            resource = self.tools.resources.keep(resource, secrets=_new_key())
        self.mend(resource)
        self.objects(resource).wait()
        return resource

    def config(self, resource: Resource) -> Config:
        """Where it is, the bucket, and the key."""
        return {
            "S3_ENDPOINT_URL": f"http://{resource.name}:{container.PORT}",
            "S3_BUCKET": container.bucket(resource),
            "S3_ACCESS_KEY_ID": resource.secrets["key"],
            "S3_SECRET_ACCESS_KEY": resource.secrets["secret"],
            "S3_REGION": REGION,
        }

    def instance(self, resource: Resource) -> Instance:
        """The server by the plan."""
        return container.instance(resource, self.plan_of(resource))

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """The servers start anew, which takes seconds. Raises Refused: what is in it is more."""
        used_mb = -(-self.objects(resource).usage()["size_bytes"] // 2**20)
        if used_mb > plan.limits["disk_mb"]:
            raise Refused(
                f"{plan.human_name} holds {plan.limits['disk_mb']} MB, and there are {used_mb} MB "
                f"in {resource.name}."
            )
        self.tools.instances.renew(container.instance(resource, plan))
        self.objects(resource).wait()
        return resource

    def rotate(self, resource: Resource, *, at_once: bool = False) -> Resource:
        """Another key and secret; the old ones end after a moment, or at once."""
        until = (datetime.now(UTC) + GRACE).timestamp()
        secret = resource.secrets
        old = {"id": secret["key"], "secret": secret["secret"], "until": until}
        ending = [] if at_once else [*container.keys(resource)[1:], old]
        resource = self.tools.resources.keep(resource, secrets={**_new_key(), "ending": ending})
        self.objects(resource).let_in(container.keys(resource))
        return resource

    def inside(self, resource: Resource) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        """How much is in it."""
        used, limits = self.objects(resource).usage(), self.plan_of(resource).limits
        usage = {**used, "size_limit_bytes": limits["disk_mb"] * 2**20}
        is_nearly_full = usage["size_bytes"] > NEARLY * usage["size_limit_bytes"]
        problems = ["The space of the plan is nearly used up."] if is_nearly_full else []
        return {"problems": problems}, usage, None

    def message(self, resource: Resource) -> str:
        """What whoever asked for it is told."""
        return f"The object store {resource.name} is ready: {self.plan_of(resource).description}."

    def pages(self) -> Blueprint:
        """What is in it."""
        return pages.blueprint()

    def objects(self, resource: Resource) -> Objects:
        """The store of a resource."""
        return Objects(self.tools.instances, resource)


def _new_key() -> dict[str, str]:
    # As long as Amazon's, which some clients check.
    return {"key": f"KD{new_password()[:18].upper()}", "secret": new_password()[:40]}
