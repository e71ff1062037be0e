"""The hooks of mail: an SMTP server for each add-on, whose letters are read on its pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from flask import Blueprint

from kedge_addons.errors import Refused
from kedge_addons.instance import Instance
from kedge_addons.keys import new_password
from kedge_addons.mail import container, pages
from kedge_addons.mail.inbox import Inbox
from kedge_addons.mail.offer import OFFER
from kedge_addons.offer import Offer, Plan
from kedge_addons.resource import Config, Resource
from kedge_addons.served import ServerService

# How long an old password goes on after a rotation: the release with the new one is live by then.
GRACE = timedelta(minutes=2)


class Mail(ServerService):
    """Inboxes of apps."""

    offer: ClassVar[Offer] = OFFER

    def accept(self, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
        """There are no options."""
        del plan
        if options:
            raise Refused(f"Mail has no option called {min(options)[:60]}.")
        return {}

    def provision(self, resource: Resource) -> Resource:
        """The server, and who may send to it."""
        if "password" not in resource.secrets:
            secret = {"user": resource.name, "password": new_password()}
            resource = self.tools.resources.keep(resource, secrets=secret)
        self.mend(resource)
        self._allow(resource)
        return resource

    def config(self, resource: Resource) -> Config:
        """Host, port and password, each alone and all in one URL."""
        secret, host, port = resource.secrets, resource.name, container.PORT
        return {
            "MAIL_HOST": host,
            "MAIL_PORT": str(port),
            "MAIL_USERNAME": secret["user"],
            "MAIL_PASSWORD": secret["password"],
            "MAIL_URL": f"smtp://{secret['user']}:{secret['password']}@{host}:{port}",
        }

    def instance(self, resource: Resource) -> Instance:
        """The server by the plan."""
        return container.instance(resource, self.plan_of(resource))

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """The server starts anew, which takes a second. Raises Refused: the letters do not fit."""
        used, limits = self.inbox(resource).usage(), plan.limits
        if used["messages"] > limits["messages"] or used["size_bytes"] > limits["disk_mb"] * 2**20:
            raise Refused(
                f"{plan.human_name} keeps {limits['messages']} letters and {limits['disk_mb']} MB; "
                f"there are {used['messages']} with {used['size_bytes'] / 2**20:.1f} MB. "
                "Delete some first."
            )
        self.tools.instances.renew(container.instance(resource, plan))
        return resource

    def rotate(self, resource: Resource, *, at_once: bool = False) -> Resource:
        """Another password; the old one ends after a moment, or at once."""
        until = datetime.now(UTC) + (timedelta() if at_once else GRACE)
        old = {"password": resource.secrets["password"], "until": until.timestamp()}
        ending = [] if at_once else [*_ending(resource), old]
        fresh = {"password": new_password(), "ending": ending}
        resource = self.tools.resources.keep(resource, secrets=fresh)
        self._allow(resource)
        return resource

    def inside(self, resource: Resource) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        """How many letters there are."""
        used, limits = self.inbox(resource).usage(), self.plan_of(resource).limits
        limit_bytes = limits["disk_mb"] * 2**20
        usage = {**used, "message_limit": limits["messages"], "size_limit_bytes": limit_bytes}
        return {"problems": []}, usage, None

    def message(self, resource: Resource) -> str:
        """What whoever asked for it is told."""
        return f"The inbox {resource.name} is ready. Read it with `kedge addons:open`."

    def pages(self) -> Blueprint:
        """The letters."""
        return pages.blueprint()

    def inbox(self, resource: Resource) -> Inbox:
        """The inbox of a resource."""
        return Inbox(self.tools.instances, resource)

    def _allow(self, resource: Resource) -> None:
        user, secret = resource.secrets["user"], resource.secrets
        newest = {"login": user, "password": secret["password"], "until": None}
        self.inbox(resource).allow(
            [newest, *({"login": user, **each} for each in _ending(resource))]
        )


def _ending(resource: Resource) -> list[dict[str, Any]]:
    """Old passwords that are good for a while yet."""
    listed: list[dict[str, Any]] = resource.secrets.get("ending") or []
    return [each for each in listed if each["until"] > datetime.now(UTC).timestamp()]
