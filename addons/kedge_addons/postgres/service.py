"""The hooks of heroku-postgresql."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint

from kedge_addons.errors import Refused
from kedge_addons.instance import Instance
from kedge_addons.offer import Plan
from kedge_addons.postgres import calls, copying, disk, insight, roles, server
from kedge_addons.postgres.backups import downloads
from kedge_addons.postgres.backups.backups import Backups
from kedge_addons.postgres.offer import OFFER
from kedge_addons.postgres.sql import Sql
from kedge_addons.resource import Config, Resource
from kedge_addons.served import ServerService
from kedge_addons.service import Tools
from kedge_addons.site import elsewhere

# How long old credentials go on after a rotation: the release with the new ones is live by then.
GRACE = timedelta(minutes=2)


class Postgres(ServerService):
    """A server, a database and a role for each add-on."""

    offer = OFFER

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self.backups = Backups(self)
        self._turns = itertools.cycle(range(disk.TURNS))

    def accept(self, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
        """`fork` is the URL of another add-on's database: who knows it may read it."""
        del plan
        unknown = set(options) - {"fork", "version"}
        if unknown:
            raise Refused(f"Postgres has no option called {min(unknown)[:60]}.")
        if str(options.get("version", "17")).partition(".")[0] != "17":
            raise Refused("There is PostgreSQL 17.")
        if "fork" not in options:
            return {}
        return {"fork": str(copying.source_of(self, str(options["fork"])).id)}

    def provision(self, resource: Resource) -> Resource:
        """Server, roles, database; of a fork also what is in it."""
        if "user" not in resource.secrets:
            secret = roles.names(resource.id) | roles.new_login()
            resource = self.tools.resources.keep(resource, secrets=secret)
        self.mend(resource)
        self._set_up(resource)
        if "fork" in resource.options and not resource.facts.get("forked"):
            copying.into(self, resource, str(resource.options["fork"]))
            resource = self.tools.resources.keep(resource, facts={"forked": True})
        return resource

    def config(self, resource: Resource) -> Config:
        """The URL apps use. TLS is there for those who ask for it, as libpq does by itself."""
        return {"HEROKU_POSTGRESQL_URL": url_of(resource)}

    def instance(self, resource: Resource) -> Instance:
        """The server by the plan."""
        return server.instance(resource, self.plan_of(resource))

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """The server starts anew with other limits, which takes a second or two."""
        used_mb = insight.size_bytes(self.sql(resource)) // 2**20
        if used_mb > plan.limits["disk_mb"]:
            raise Refused(
                f"{plan.human_name} holds {plan.limits['disk_mb']} MB, and there are {used_mb} MB "
                f"in {resource.name}."
            )
        self.tools.instances.renew(server.instance(resource, plan))
        limited = roles.limits(resource.secrets, plan.limits["connections"])
        self.sql(resource).run(limited, wait=True)
        return resource

    def rotate(self, resource: Resource, *, at_once: bool = False) -> Resource:
        """Another login role; the old one ends after a moment, or at once."""
        # What a killed process was at comes first: a role nobody was told of is used now.
        fresh = resource.secrets.get("next") or roles.new_login()
        resource = self.tools.resources.keep(resource, secrets={"next": fresh})
        self.sql(resource).run(roles.login({**resource.secrets, **fresh}))
        until = datetime.now(UTC) if at_once else datetime.now(UTC) + GRACE
        ending = {**resource.facts.get("ending", {}), resource.secrets["user"]: until.isoformat()}
        return self.tools.resources.keep(
            resource, secrets={**fresh, "next": None}, facts={"ending": ending}
        )

    def settle(self, resource: Resource) -> datetime | None:
        """End login roles whose time has come; see whether another plan has room."""
        if resource.facts.get("over_disk"):
            disk.look(self, resource)
        ending = {user: datetime.fromisoformat(at)
                  for user, at in resource.facts.get("ending", {}).items()}  # fmt: skip
        for user, at in ending.items():
            if at <= datetime.now(UTC):
                self.sql(resource).run(roles.end_login(user, resource.secrets), wait=True)
        left = {user: at for user, at in ending.items() if at > datetime.now(UTC)}
        if left != ending:
            kept = {user: at.isoformat() for user, at in left.items()}
            self.tools.resources.keep(resource, facts={"ending": kept})
        return min(left.values(), default=None)

    def inside(self, resource: Resource) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        """What the server tells of itself."""
        health, usage, version = insight.read(self.sql(resource), self.plan_of(resource))
        health["problems"] += self.backups.problems(resource)
        return health | {"is_read_only": bool(resource.facts.get("over_disk"))}, usage, version

    def tick(self) -> None:
        """Transfers go on; databases over their plan's disk become read-only."""
        self.backups.tick()
        disk.look_at_some(self, next(self._turns))

    def remove(self, resource: Resource) -> None:
        """What was in it goes, with its backups."""
        super().remove(resource)
        self.backups.forget(resource.id)

    def message(self, resource: Resource) -> str:
        """What whoever asked is told."""
        return f"PostgreSQL 17 is ready at {resource.name}: {self.plan_of(resource).description}."

    def pages(self) -> Blueprint:
        """The platform's own page of it has it all."""
        return elsewhere.blueprint(self)

    def routes(self) -> Blueprint:
        """Reset, slow queries, connections, backups."""
        return calls.blueprint(self)

    def open_pages(self) -> Blueprint:
        """Downloads of backups, by a signed address."""
        return downloads.blueprint(self)

    def sql(self, resource: Resource) -> Sql:
        """The resource's server."""
        return Sql(self.tools.instances, resource)

    def _set_up(self, resource: Resource) -> None:
        connections = self.plan_of(resource).limits["connections"]
        wanted = roles.set_up(resource.secrets, connections) + server.IS_ON_DISK
        self.sql(resource).run(wanted, wait=True)


def url_of(resource: Resource) -> str:
    """The URL of a resource's database."""
    secret = resource.secrets
    place = f"{resource.name}:{server.PORT}/{secret['database']}"
    return f"postgres://{secret['user']}:{secret['password']}@{place}"


def is_url_of(resource: Resource, url: str) -> bool:
    """Whether somebody who has this URL may read the resource's database."""
    parts, own = urlsplit(url), urlsplit(url_of(resource)) if resource.secrets else None
    return own is not None and (parts.username, parts.password, parts.hostname) == (
        own.username, own.password, own.hostname,
    )  # fmt: skip
