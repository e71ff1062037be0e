"""The pages of scheduler, by a person without scripts; and its plans."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from addons.looks import faults
from addons.visitor import Visitor, assert_strict
from kedge_addons.scheduler.job import RunRow
from kedge_addons.scheduler.progress import State

EVIL = "echo '<script>alert(1)</script>' \"&amp;\""


@pytest.fixture
def made(providers):
    with providers.made("scheduler") as made:
        yield made


@pytest.fixture
def visitor(providers, made):
    found = Visitor(providers, "scheduler", made.id)
    yield found
    found.close()


def add(visitor, status=303, **more):
    wanted = {"command": "rake cleanup", "kind": "day", "time": "06:00", "size": "Basic",
              "id": str(uuid.uuid4())}  # fmt: skip
    return visitor.post("jobs", page="jobs/new", status=status, **{**wanted, **more})


def jobs_of(made):
    return made.side.lifecycle.services["scheduler"].jobs.list_(made.resource)


def test_a_job_is_added_changed_and_removed(visitor, made):
    """The whole life of a job by forms; each answers with a redirect, and the page shows it."""
    assert "No jobs yet" in visitor.get().text
    add(visitor)
    (job,) = jobs_of(made)
    page = visitor.get()
    assert_strict(page)
    assert "Every day at 06:00 UTC" in page.text
    edit = visitor.get(f"jobs/{job.id}/edit")
    assert 'value="06:00"' in edit.text
    seen_at = re.search(r'name="seen_at" value="([^"]+)"', edit.text)[1]
    visitor.post(f"jobs/{job.id}", page=f"jobs/{job.id}/edit", command="rake tidy", kind="cron",
                 cron="0 6 * * 1", size="basic", seen_at=seen_at)  # fmt: skip
    assert "rake tidy" in visitor.get(f"jobs/{job.id}").text
    visitor.post(f"jobs/{job.id}/remove", page=f"jobs/{job.id}/remove")
    assert "No jobs yet" in visitor.get().text
    visitor.get(f"jobs/{job.id}", status=404)


def test_a_form_sent_twice_is_one_job(visitor, made):
    """A double click, or the browser's Back and Send, adds nothing more."""
    job_id = str(uuid.uuid4())
    add(visitor, id=job_id)
    add(visitor, id=job_id)
    assert len(jobs_of(made)) == 1


def test_a_stale_form_is_told(visitor, made):
    """Who saves what was changed meanwhile gets the form back with words, and 409."""
    add(visitor)
    (job,) = jobs_of(made)
    answer = visitor.post(f"jobs/{job.id}", page=f"jobs/{job.id}/edit", status=409, kind="ten",
                          command="x", seen_at="2020-01-01T00:00:00+00:00")  # fmt: skip
    assert "meanwhile" in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": ""}, {"command": "a\nb"}, {"command": "x" * 4001}, {"size": "Huge"},
        {"kind": "cron", "cron": "* * * * *"}, {"kind": "cron", "cron": "nonsense"},
        {"time": "25:00"}, {"kind": "hour", "minute": "61"}, {"kind": "hour", "minute": ""},
        {"kind": "nothing"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_and_kept_in_the_form(visitor, made, wrong):
    """A job that cannot be is refused on its form, and nothing is added."""
    answer = add(visitor, status=422, **wrong)
    assert 'role="alert"' in answer.text
    assert jobs_of(made) == []


def test_commands_are_text(visitor, made):
    """Markup in a command is shown, and not obeyed, on every page."""
    add(visitor, command=EVIL)
    (job,) = jobs_of(made)
    for path in ("", f"jobs/{job.id}", f"jobs/{job.id}/edit", f"jobs/{job.id}/remove"):
        page = visitor.get(path)
        assert_strict(page)
        assert "<script>alert" not in page.text


def test_every_page_is_clean(chromium, visitor, made):
    """Axe finds nothing, wide in light and dark on a phone; nothing is wider than its screen."""
    add(visitor, command="rake " + "x" * 300)
    add(visitor, command=EVIL, kind="cron", cron="0 6 1 * 1")
    (first, second) = jobs_of(made)
    look(made, first)
    paths = ["", f"jobs/{first.id}", f"jobs/{second.id}", f"jobs/{second.id}/edit",
             f"jobs/{first.id}/remove"]  # fmt: skip
    assert faults(chromium, visitor, paths) == []


def look(made, job):
    """Runs of every kind in the history of a job."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with made.side.tools.database.transaction() as tx:
        for hours, state in enumerate(State):
            tx.add(
                RunRow(
                    id=uuid.uuid4(),
                    job_id=job.id,
                    resource_id=made.id,
                    size="Basic",
                    slot=at + timedelta(hours=hours),
                    until=at + timedelta(hours=hours),
                    command=job.command,
                    state=state,
                    reason="It was killed: out of memory.",
                    dyno="scheduler.4711",
                    count=3,
                    exit_status=137,
                    started_at=at,
                )
            )


def test_forms_without_their_token_are_refused(visitor, made):
    """A form another site sends changes nothing."""
    answer = visitor.client.post(visitor.base + "jobs", data={"command": "x", "kind": "ten"})
    assert answer.status_code == 403
    assert jobs_of(made) == []


def test_jobs_of_another_add_on_are_unknown(providers, visitor, made):
    """Who is signed in for one add-on sees and changes nothing of another."""
    with providers.made("scheduler") as other:
        theirs = Visitor(providers, "scheduler", other.id)
        add(theirs)
        (job,) = jobs_of(other)
        visitor.get(f"jobs/{job.id}", status=404)
        token = visitor.csrf("jobs/new")
        for path in (f"jobs/{job.id}/run", f"jobs/{job.id}"):
            visitor.client.post(visitor.base + path, data={"csrf": token, "command": "x"})
        gone = visitor.client.post(visitor.base + f"jobs/{job.id}/remove", data={"csrf": token})
        assert gone.status_code in {303, 404}
        assert [each.command for each in jobs_of(other)] == ["rake cleanup"]
        other_page = visitor.client.get(theirs.base)
        assert other_page.status_code == 403
        theirs.close()


def test_a_plan_that_does_not_fit_is_refused(providers):
    """A job of every minute does not fit a plan of every ten: the change is refused by name."""
    with providers.made("scheduler", plan="frequent") as made:
        visitor = Visitor(providers, "scheduler", made.id)
        add(visitor, kind="cron", cron="* * * * *")
        refused = made.partner("PUT", json={"plan": "standard"})
        assert refused.status_code == 422
        assert "every 10 minutes" in refused.json()["message"]
        assert made.ask("GET")["plan"] == "frequent"
        visitor.close()


def test_a_destroyed_one_rests_and_comes_back(providers, visitor, made):
    """Jobs are there again after a restore, and what was due meanwhile is not missed."""
    add(visitor)
    made.partner("DELETE")
    assert visitor.client.get(visitor.base).status_code in {404, 410}
    assert made.partner("POST", "/actions/restore").status_code in {200, 201}
    assert "rake cleanup" in visitor.get().text
    assert made.ask("GET")["health"] == {"ok": True, "problems": []}
