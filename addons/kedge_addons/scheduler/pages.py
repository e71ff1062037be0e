"""The pages of scheduler: its jobs, one job with its history, and the forms that change them."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Redirect

from kedge_addons.context import called, lifecycle
from kedge_addons.database import uuid_of
from kedge_addons.errors import ProviderError, Refused
from kedge_addons.offer import Plan
from kedge_addons.resource import Resource
from kedge_addons.scheduler.job import JobRow
from kedge_addons.scheduler.jobs import SIZES, Jobs, Wanted, checked
from kedge_addons.scheduler.offer import OFFER
from kedge_addons.scheduler.runs import now
from kedge_addons.scheduler.schedule import Schedule
from kedge_addons.site.page import go, pages, show

DEFAULT_SIZE = "Standard-1X"
KINDS = {
    "ten": "Every 10 minutes", "hour": "Every hour at…", "day": "Every day at…",
    "cron": "A cron expression",
}  # fmt: skip
TONES = {
    "succeeded": "good", "failed": "bad", "refused": "bad", "missed": "bad", "unknown": "warn",
    "skipped": "warn", "starting": "going", "running": "going",
}  # fmt: skip


def blueprint() -> Blueprint:
    """The pages of scheduler."""
    return pages("scheduler", {
        "GET /": jobs,
        "GET /jobs/new": new,
        "POST /jobs": add,
        "GET /jobs/<uuid:job_id>": job,
        "GET /jobs/<uuid:job_id>/edit": edit,
        "POST /jobs/<uuid:job_id>": change,
        "GET /jobs/<uuid:job_id>/remove": ask_remove,
        "POST /jobs/<uuid:job_id>/remove": remove,
        "POST /jobs/<uuid:job_id>/run": run,
    })  # fmt: skip


def jobs(resource_id: uuid.UUID) -> Response:
    """All jobs, when each runs next and how it went."""
    resource = _called(resource_id)
    listed = _jobs().list_(resource)
    return show(
        "scheduler/jobs.html", resource, OFFER, jobs=listed, tones=TONES,
        newest=_jobs().newest_runs(resource), now=now(),
        limit=_plan(resource).limits["jobs"],
    )  # fmt: skip


def new(resource_id: uuid.UUID) -> Response:
    """The form of a new job."""
    return _form(_called(resource_id), None, {"kind": "ten", "size": DEFAULT_SIZE})


def add(resource_id: uuid.UUID) -> Response | Redirect:
    """Add a job."""
    resource = _called(resource_id)
    try:
        wanted = _wanted(_plan(resource))
        job_id = uuid_of(request.form.get("id")) or uuid.uuid4()
        _jobs().add(resource, _plan(resource), wanted, job_id)
    except Refused as refused:
        return _form(resource, None, request.form.to_dict(), refused)
    _look_soon(resource)
    return go(resource)


def job(resource_id: uuid.UUID, job_id: uuid.UUID) -> Response:
    """One job with its history."""
    resource = _called(resource_id)
    found = _jobs().find(resource, job_id)
    return show("scheduler/job.html", resource, OFFER, job=found, tones=TONES, now=now(),
                runs=_jobs().history(found), app_id=resource.facts.get("app_id"))  # fmt: skip


def edit(resource_id: uuid.UUID, job_id: uuid.UUID) -> Response:
    """The form of a job that is there."""
    resource = _called(resource_id)
    found = _jobs().find(resource, job_id)
    filled = {"command": found.command, "size": found.size,
              "seen_at": found.updated_at.isoformat(), **_said(found.schedule)}  # fmt: skip
    return _form(resource, found, filled)


def change(resource_id: uuid.UUID, job_id: uuid.UUID) -> Response | Redirect:
    """Change a job."""
    resource = _called(resource_id)
    found = _jobs().find(resource, job_id)
    try:
        wanted = _wanted(_plan(resource))
        _jobs().change(resource, job_id, wanted, request.form.get("seen_at", ""))
    except ProviderError as error:
        return _form(resource, found, request.form.to_dict(), error)
    _look_soon(resource)
    return go(resource, f"jobs/{job_id}")


def ask_remove(resource_id: uuid.UUID, job_id: uuid.UUID) -> Response:
    """Ask once more."""
    resource = _called(resource_id)
    found = _jobs().find(resource, job_id)
    return show("scheduler/remove.html", resource, OFFER, job=found)


def remove(resource_id: uuid.UUID, job_id: uuid.UUID) -> Redirect:
    """Remove a job."""
    resource = _called(resource_id)
    _jobs().remove(resource, job_id)
    return go(resource)


def run(resource_id: uuid.UUID, job_id: uuid.UUID) -> Redirect:
    """Have a job run now, beside its schedule."""
    resource = _called(resource_id)
    run_id = uuid_of(request.form.get("id")) or uuid.uuid4()
    _jobs().run_now(resource, job_id, run_id)
    _look_soon(resource)
    return go(resource, f"jobs/{job_id}")


def _called(resource_id: uuid.UUID) -> Resource:
    return called(OFFER.name, resource_id)


def _plan(resource: Resource) -> Plan:
    return OFFER.plan(resource.plan)


def _jobs() -> Jobs:
    return Jobs(lifecycle().tools.database)


def _look_soon(resource: Resource) -> None:
    lifecycle().tools.resources.look_soon(resource.id)
    lifecycle().wake()


def _form(
    resource: Resource, job: JobRow | None, filled: dict[str, Any],
    error: ProviderError | None = None,
) -> Response:  # fmt: skip
    status = error.status if error else 200
    return show("scheduler/form.html", resource, OFFER, status, job=job, filled=filled,
                error=error, kinds=KINDS, sizes=SIZES)  # fmt: skip


def _wanted(plan: Plan) -> Wanted:
    """The job of the form that was sent. Raises Refused."""
    form = request.form
    written = {
        "ten": "every 10 minutes",
        "hour": f"hourly at :{form.get('minute', '').strip()}",
        "day": f"daily at {form.get('time', '').strip()}",
    }.get(form.get("kind", ""), form.get("cron", ""))
    return checked(form.get("command", ""), form.get("size") or DEFAULT_SIZE, written, plan)


def _said(schedule: Schedule) -> dict[str, str]:
    """A schedule as the form has it."""
    fields = schedule.expression.split()
    minute, hour = fields[0], fields[1]
    if schedule.expression == "*/10 * * * *":
        return {"kind": "ten"}
    if fields[2:] == ["*", "*", "*"] and minute.isdecimal():
        if hour == "*":
            return {"kind": "hour", "minute": f"{int(minute):02}"}
        if hour.isdecimal():
            return {"kind": "day", "time": f"{int(hour):02}:{int(minute):02}"}
    return {"kind": "cron", "cron": schedule.expression}
