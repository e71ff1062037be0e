"""The hooks of scheduler: no server of its own, only jobs in the database and the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from flask import Blueprint

from kedge_addons.errors import Away
from kedge_addons.offer import Offer, Plan
from kedge_addons.resource import Config, Resource, State
from kedge_addons.scheduler import pages
from kedge_addons.scheduler.dynos import PlatformDynos
from kedge_addons.scheduler.jobs import Jobs, check_plan
from kedge_addons.scheduler.offer import OFFER
from kedge_addons.scheduler.runs import AGAIN, Runs, now
from kedge_addons.service import Observation, Service, Tools

HEALTH = timedelta(days=1)


class Scheduler(Service):
    """Jobs of apps."""

    offer: ClassVar[Offer] = OFFER

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self.jobs = Jobs(tools.database)
        self.runs = Runs(tools.database, PlatformDynos(tools.platform, tools.resources))

    def provision(self, resource: Resource) -> Resource:
        """Jobs come later, from people."""
        return resource

    def restore(self, resource: Resource) -> Resource:
        """The jobs are there again; what was due while they were not is left out."""
        self.jobs.skip_to_now(resource)
        return resource

    def config(self, resource: Resource) -> Config:
        """The app needs to know nothing."""
        del resource
        return {}

    def change_plan(self, resource: Resource, plan: Plan) -> Resource:
        """Raises Refused when the jobs do not fit."""
        check_plan(self.jobs.list_(resource), plan)
        return resource

    def remove(self, resource: Resource) -> None:
        """Jobs and history go."""
        self.jobs.remove_all(resource)

    def settle(self, resource: Resource) -> datetime | None:
        """Decide what is due, and take runs a step further."""
        try:
            self.runs.go_on(resource, now())
        except Away:
            return now() + AGAIN  # not the frame's growing pauses: slots are due by the minute
        self.runs.forget_old(resource, self.plan_of(resource).limits["history"])
        return self.runs.next_at(resource, now())

    def observe(self, resource: Resource) -> Observation:
        """Runs of the last day that did not go well are its problems."""
        if resource.state != State.READY:
            return Observation(state="resting")
        bad = self.jobs.count_bad_since(resource, now() - HEALTH)
        problems = [f"{count} runs {state} in the last day" for state, count in bad.items()]
        usage = {"jobs": len(self.jobs.list_(resource))}
        return Observation(
            state="running", health={"ok": not problems, "problems": problems}, usage=usage
        )

    def message(self, resource: Resource) -> str:
        """What whoever asked for it is told."""
        return f"Scheduler {resource.name} is ready. Add jobs with `kedge addons:open`."

    def pages(self) -> Blueprint:
        """Jobs and their history."""
        return pages.blueprint()
