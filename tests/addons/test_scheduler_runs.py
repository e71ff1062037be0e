"""Runs on a real database, over dynos that are played: each moment once, whatever is killed."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from kedge_addons.database import Database
from kedge_addons.errors import Away, Busy, Refused
from kedge_addons.resource import Resource
from kedge_addons.scheduler.jobs import Jobs, checked
from kedge_addons.scheduler.offer import OFFER
from kedge_addons.scheduler.runs import Runs

MINUTE = timedelta(minutes=1)
PLAN = OFFER.plan("frequent")
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Dynos:
    """One-off dynos as the platform has them: one for each id, however often it is asked for."""

    def __init__(self):
        self.found, self.asked, self.trouble = {}, 0, None
        self.lose_answer = False
        self._lock = threading.Lock()

    def find(self, resource, run_id):
        if isinstance(self.trouble, Away):
            raise self.trouble
        return self.found.get(run_id)

    def start(self, resource, run, seconds):
        if self.trouble:
            raise self.trouble
        with self._lock:
            self.asked += 1
            name = f"scheduler.{len(self.found)}"
            started = {"name": name, "state": "up", "started_at": "2026-03-04T12:00:01Z"}
            made = self.found.setdefault(run.id, started)
        if self.lose_answer:
            raise SystemExit("killed between the platform's answer and our writing it down")
        return made

    def end(self, status):
        for each in self.found.values():
            each.update(state="ended", exit_status=status, ended_at="2026-03-04T12:00:31Z")


@pytest.fixture
def database(addons_database):
    made = Database(addons_database)
    made.migrate()
    yield made
    with made.transaction() as tx:
        tx.execute(text("DELETE FROM kedge_addons.scheduler_jobs"))
    made.close()


@pytest.fixture
def dynos():
    return Dynos()


@pytest.fixture
def runs(database, dynos):
    return Runs(database, dynos)


@pytest.fixture
def resource():
    return Resource(id=uuid.uuid4(), service="scheduler", name="scheduler-round-1", plan="frequent",
                    state="ready", options={}, facts={}, secrets={}, created_at=NOON)  # fmt: skip


@pytest.fixture
def jobs(database):
    return Jobs(database)


@pytest.fixture
def job(database, jobs, resource):
    """A job of every minute, all considered until noon."""
    made = jobs.add(resource, PLAN, checked("true", "basic", "* * * * *", PLAN), uuid.uuid4())
    with database.transaction() as tx:
        tx.merge(made).considered_until = NOON
    return made


def went(jobs, job):
    return [(run.state, run.count) for run in jobs.history(job)]


def test_a_run_from_its_moment_to_its_end(jobs, job, runs, dynos, resource):
    """It starts at its moment, is followed, and has its times and its exit status at the end."""
    runs.consider(resource, NOON + MINUTE)
    runs.follow(resource, NOON + MINUTE)
    assert went(jobs, job) == [("running", 1)]
    dynos.end(3)
    bad = runs.follow(resource, NOON + 2 * MINUTE)
    (run,) = jobs.history(job)
    assert (run.state, run.exit_status, run.dyno) == ("failed", 3, "scheduler.0")
    assert run.duration == timedelta(seconds=30)
    assert [each.id for each in bad] == [run.id]


def test_a_run_that_ended_unseen_holds_up_nothing(jobs, job, runs, dynos, resource):
    """Who comes back after a while looks how runs ended before deciding that one still goes."""
    runs.go_on(resource, NOON + MINUTE)
    dynos.end(0)
    runs.go_on(resource, NOON + 10 * MINUTE)
    assert went(jobs, job) == [("running", 1), ("missed", 8), ("succeeded", 1)]


def test_two_processes_never_run_one_moment_twice(database, jobs, job, dynos, resource):
    """Many at once decide and start: one run, one dyno."""

    def go(_):
        both = Runs(database, dynos)
        both.consider(resource, NOON + MINUTE)
        both.follow(resource, NOON + MINUTE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, range(16)))
    assert went(jobs, job) == [("running", 1)]
    assert len(dynos.found) == 1


def test_killed_before_the_start_it_is_started_by_the_next(jobs, job, runs, dynos, resource):
    """Decided and not started: whoever comes next within five minutes starts it, once."""
    runs.consider(resource, NOON + MINUTE)
    runs.follow(resource, NOON + 3 * MINUTE)
    assert went(jobs, job) == [("running", 1)]
    assert dynos.asked == 1


def test_killed_after_the_start_it_is_found(jobs, job, runs, dynos, resource):
    """The platform's answer was lost: the dyno is found by the run's id, and not doubled."""
    runs.consider(resource, NOON + MINUTE)
    dynos.lose_answer = True
    with pytest.raises(SystemExit):
        runs.follow(resource, NOON + MINUTE)
    dynos.lose_answer = False
    dynos.end(0)
    runs.follow(resource, NOON + 60 * MINUTE)
    assert went(jobs, job) == [("succeeded", 1)]
    assert (dynos.asked, len(dynos.found)) == (1, 1)


def test_a_platform_that_is_away_delays_and_then_misses(jobs, job, runs, dynos, resource):
    """While it is away the run waits; after five minutes it is missed, with the reason."""
    dynos.trouble = Away("The platform does not answer.")
    runs.consider(resource, NOON + MINUTE)
    runs.follow(resource, NOON + 2 * MINUTE)
    assert went(jobs, job) == [("starting", 1)]
    runs.follow(resource, NOON + 7 * MINUTE)
    (run,) = jobs.history(job)
    assert run.state == "missed"
    assert "does not answer" in run.reason


def test_what_the_platform_refuses_is_said(jobs, job, runs, dynos, resource):
    """An app without code: the run is refused, in the platform's words."""
    dynos.trouble = Refused("hello has no code to run yet.")
    runs.consider(resource, NOON + MINUTE)
    runs.follow(resource, NOON + MINUTE)
    (run,) = jobs.history(job)
    assert (run.state, run.reason) == ("refused", "hello has no code to run yet.")


def test_a_long_run_skips_the_next_moments(jobs, job, runs, dynos, resource):
    """While it goes each further moment is skipped; after its end the next one runs."""
    for minute in (1, 2, 3):
        runs.consider(resource, NOON + minute * MINUTE)
        runs.follow(resource, NOON + minute * MINUTE)
    assert went(jobs, job) == [("skipped", 1), ("skipped", 1), ("running", 1)]
    dynos.end(0)
    runs.follow(resource, NOON + 3 * MINUTE)
    runs.consider(resource, NOON + 4 * MINUTE)
    assert went(jobs, job)[0] == ("starting", 1)


def test_an_absence_is_reported(jobs, job, runs, resource):
    """Two hours away: one entry with all that was missed, and the newest moment runs."""
    runs.consider(resource, NOON + 120 * MINUTE)
    assert went(jobs, job) == [("starting", 1), ("missed", 119)]
    assert jobs.count_bad_since(resource, NOON) == {"missed": 119}


def test_what_a_forgotten_dyno_did_is_unknown(jobs, job, runs, dynos, resource):
    """A dyno nobody knows any more: the run ends as unknown, never as a success."""
    runs.consider(resource, NOON + MINUTE)
    runs.follow(resource, NOON + MINUTE)
    dynos.found.clear()
    runs.follow(resource, NOON + 2 * MINUTE)
    assert went(jobs, job) == [("unknown", 1)]


def test_run_now_is_once_and_never_beside_another(jobs, job, resource):
    """A double click is one run; a second run beside it is refused."""
    run_id = uuid.uuid4()
    jobs.run_now(resource, job.id, run_id)
    jobs.run_now(resource, job.id, run_id)
    assert went(jobs, job) == [("starting", 1)]
    with pytest.raises(Busy):
        jobs.run_now(resource, job.id, uuid.uuid4())


def test_a_changed_schedule_begins_now(database, jobs, job, runs, resource):
    """What the new schedule would have had before is not missed."""
    wanted = checked("true", "basic", "*/2 * * * *", PLAN)
    jobs.change(resource, job.id, wanted, jobs.find(resource, job.id).updated_at.isoformat())
    runs.consider(resource, datetime.now(UTC))
    assert went(jobs, job) == []


def test_two_people_changing_one_job(jobs, job, resource):
    """Who saved a form made from an older state is told, and nothing is overwritten."""
    seen = jobs.find(resource, job.id).updated_at.isoformat()
    jobs.change(resource, job.id, checked("one", "basic", "* * * * *", PLAN), seen)
    with pytest.raises(Busy):
        jobs.change(resource, job.id, checked("two", "basic", "* * * * *", PLAN), seen)
    assert jobs.find(resource, job.id).command == "one"


def test_history_is_bounded(jobs, job, runs, dynos, resource):
    """Of each job the newest runs alone are kept."""
    for minute in range(1, 8):
        runs.consider(resource, NOON + minute * MINUTE)
        runs.follow(resource, NOON + minute * MINUTE)
        dynos.end(0)
        runs.follow(resource, NOON + minute * MINUTE)
    runs.forget_old(resource, 3)
    assert [run.slot for run in jobs.history(job)] == [NOON + n * MINUTE for n in (7, 6, 5)]


def test_the_next_look_is_at_the_next_moment(jobs, job, runs, resource):
    """Without runs that go nobody looks before the next moment; without jobs, never."""
    assert runs.next_at(resource, NOON) == NOON + MINUTE
    jobs.remove(resource, job.id)
    assert runs.next_at(resource, NOON) is None
