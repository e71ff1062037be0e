"""The hooks of heroku-redis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint

from kedge_addons.errors import Refused
from kedge_addons.instance import Instance
from kedge_addons.keys import new_password
from kedge_addons.offer import Plan
from kedge_addons.redis import calls, insight, server, tuning, users
from kedge_addons.redis.commands import Commands
from kedge_addons.redis.offer import OFFER
from kedge_addons.resource import Config, Resource
from kedge_addons.served import ServerService
from kedge_addons.site import elsewhere

# How long old credentials go on after a rotation: the release with the new ones is live by then.
GRACE = timedelta(minutes=2)
REWRITE_SECONDS = 60.0
SNAPSHOT = "/data/store/dump.rdb"
# What `INFO` says, in this order, once the file that is appended to holds everything.
WRITTEN_DOWN = {
    "aof_rewrite_scheduled": "0",
    "aof_rewrite_in_progress": "0",
    "aof_last_bgrewrite_status": "ok",
}


class Redis(ServerService):
    """A server with users of its own for each add-on."""

    offer = OFFER

    def accept(self, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of `tuning.DEFAULTS`, from the beginning."""
        del plan
        return tuning.checked(options)

    def provision(self, resource: Resource) -> Resource:
        """The server, once there are users."""
        if "user" not in resource.secrets:
            secret = users.new_user() | {"admin": new_password()}
            resource = self.tools.resources.keep(resource, secrets=secret)
        self.mend(resource)
        self.commands(resource).run("PING", wait=True)
        return resource

    def config(self, resource: Resource) -> Config:
        """URLs without TLS and with it; the certificate is the server's own."""
        secret = resource.secrets
        place = f"{secret['user']}:{secret['password']}@{resource.name}"
        return {
            "REDIS_URL": f"redis://{place}:{server.PORT}",
            "REDIS_TLS_URL": f"rediss://{place}:{server.TLS_PORT}",
        }

    def instance(self, resource: Resource) -> Instance:
        """The server by the plan."""
        return server.instance(resource, self.plan_of(resource))

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """The server starts anew with other limits; what is in it is written down before."""
        used_mb = int(self.commands(resource).info()["used_memory_dataset"]) // 2**20
        if used_mb > plan.limits["memory_mb"]:
            raise Refused(
                f"{plan.human_name} holds {plan.limits['memory_mb']} MB, and there are {used_mb} "
                f"MB in {resource.name}."
            )
        self._write_down(resource, persists=bool(plan.limits["persists"]))
        self.tools.instances.renew(server.instance(resource, plan))
        self._forget_snapshot(resource)
        return resource

    def rotate(self, resource: Resource, *, at_once: bool = False) -> Resource:
        """Another user; the old one ends after a moment, or at once."""
        fresh = resource.secrets.get("next") or users.new_user()
        resource = self.tools.resources.keep(resource, secrets={"next": fresh})
        made = f"ACL SETUSER {fresh['user']} {users.rules(fresh['password'])}"
        self.commands(resource).run(made, "ACL SAVE")
        secret, until = resource.secrets, datetime.now(UTC) + (timedelta() if at_once else GRACE)
        return self.tools.resources.keep(
            resource,
            secrets={**fresh, "next": None,
                     "ending": {**secret.get("ending", {}), secret["user"]: secret["password"]}},
            facts={"ending": {**resource.facts.get("ending", {}),
                              secret["user"]: until.isoformat()}},
        )  # fmt: skip

    def settle(self, resource: Resource) -> datetime | None:
        """End the users whose time has come; their connections end with them."""
        ending: dict[str, str] = dict(resource.facts.get("ending", {}))
        over = [user for user, at in ending.items() if datetime.fromisoformat(at) <= _now()]
        if over:
            self.commands(resource).run(f"ACL DELUSER {' '.join(over)}", "ACL SAVE", wait=True)
            left = {user: at for user, at in ending.items() if user not in over}
            kept = {user: resource.secrets["ending"][user] for user in left}
            self.tools.resources.keep(resource, secrets={"ending": kept}, facts={"ending": left})
            ending = left
        return min(map(datetime.fromisoformat, ending.values()), default=None)

    def tune(self, resource: Resource, wanted: Mapping[str, Any]) -> Resource:
        """Change settings of the server, at once and for good."""
        pairs = " ".join(f'{tuning.DIRECTIVES[name]} "{value}"' for name, value in wanted.items())
        if pairs:
            self.commands(resource).run(f"CONFIG SET {pairs}")
        kept = {**resource.facts.get("tuning", {}), **wanted}
        resource = self.tools.resources.keep(resource, facts={"tuning": kept})
        self.tools.instances.write(self.instance(resource))
        return resource

    def destroy(self, resource: Resource) -> None:
        """What is in memory alone is written down first, so that it can be brought back."""
        if self.tools.instances.look(resource.id).state == "running":
            self._write_down(resource, persists=bool(self.plan_of(resource).limits["persists"]))
        super().destroy(resource)

    def restore(self, resource: Resource) -> Resource:
        """The server with what was written down."""
        resource = self.provision(resource)
        self._forget_snapshot(resource)
        return resource

    def inside(self, resource: Resource) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        """What the server tells of itself."""
        return insight.read(self.commands(resource).info(), self.plan_of(resource))

    def message(self, resource: Resource) -> str:
        """What whoever asked is told."""
        return f"Redis is ready at {resource.name}: {self.plan_of(resource).description}."

    def pages(self) -> Blueprint:
        """The platform's own page of it has it all."""
        return elsewhere.blueprint(self)

    def routes(self) -> Blueprint:
        """Settings; everything `INFO` tells."""
        return calls.blueprint(self)

    def commands(self, resource: Resource) -> Commands:
        """The resource's server."""
        return Commands(self.tools.instances, resource)

    def _write_down(self, resource: Resource, *, persists: bool) -> None:
        """Have all that is in memory on disk in the form the next server reads."""
        ask = self.commands(resource)
        if not persists:
            ask.run("SAVE")
        elif ask.info()["aof_enabled"] != "1":
            ask.run("CONFIG SET appendonly yes")
            for name, value in WRITTEN_DOWN.items():
                ask.wait_for(name, value, REWRITE_SECONDS)

    def _forget_snapshot(self, resource: Resource) -> None:
        """A server that keeps nothing must not read it again after its next start."""
        self.commands(resource).run("PING", wait=True)
        self.tools.instances.run(resource.id, ["rm", "-f", SNAPSHOT])


def _now() -> datetime:
    return datetime.now(UTC)
