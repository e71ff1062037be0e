"""A PostgreSQL that is frozen, its sockets open and silent: said in words, and survived."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from frozen import frozen
from kedge import silence
from kedge.db import Database
from kedge.engine.git import Repositories
from kedge.errors import DatabaseDown
from kedge.git.http import blueprint
from kedge.loops.leadership import Leadership
from kedge.ops import apps
from throwaway_postgres import Cluster

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of this file's own, since others use theirs meanwhile."""
    made = Cluster()
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def database_url(cluster):
    return cluster.url(cluster.create())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Signs of life are asked for sooner than in earnest."""
    monkeypatch.setattr(silence, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(silence, "PULSE_SECONDS", 2)
    monkeypatch.setattr(silence, "REST_SECONDS", 0.2)


@pytest.fixture
def application(services):
    """API and git."""
    from kedge.api.application import create

    repositories = Repositories(services.settings.home / "repos", 10)
    return create(services, [blueprint(services, repositories)])


def test_api_and_git_say_so_and_work_again(cluster, api, hello):
    """A frozen database is a 503 that says what is away; thawed, everything works as before."""
    with frozen(cluster.pid):
        for path in ("/apps/hello", "/apps"):
            refused = api.get(path, 503)
            assert "database does not answer" in refused["message"]
        refused = refs(api)
        assert refused.status_code == 503
        assert "database does not answer" in refused.text
    time.sleep(silence.REST_SECONDS)
    assert api.get("/apps/hello")["name"] == "hello"
    assert refs(api).status_code == 200


def refs(api):
    """What git asks for first."""
    return api.application.test_client().get(
        "/hello.git/info/refs?service=git-upload-pack", auth=("x", api.token)
    )


def test_a_transaction_that_was_under_way_is_given_up(cluster, services, owner):
    """Frozen between two statements, it ends in words; what it had written is not kept."""
    app = apps.create(services, owner.actor, "shown")

    def change_and_freeze() -> None:
        with services.database.transaction() as tx:
            tx.execute(text("update apps set maintenance = true"))
            with frozen(cluster.pid):
                tx.execute(text("select 1"))

    with pytest.raises(DatabaseDown):
        change_and_freeze()
    time.sleep(silence.REST_SECONDS)
    assert apps.find(services, owner.actor, app.name).maintenance is False


def test_a_long_statement_is_waited_for(database_url):
    """A server that works, or has others wait for a lock, is not taken for a frozen one."""
    database = Database(database_url)
    with database.transaction() as tx:
        assert tx.scalar(text("select 1 from pg_sleep(1)")) == 1
    order = []

    def wait() -> None:
        with database.advisory_lock("one at a time"):
            order.append("second")

    with database.advisory_lock("one at a time"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        with database.transaction() as tx:
            tx.execute(text("select pg_sleep(1)"))
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    database.close()


def test_a_supervisor_leads_again(cluster, database_url):
    """A leader whose lock cannot be asked for stops leading, and leads again afterwards."""
    database, stopping = Database(database_url), threading.Event()
    leadership = Leadership(database, stopping)
    leadership.start()
    assert leadership.won.wait(20)
    with frozen(cluster.pid):
        until(lambda: not leadership.won.is_set())
    assert leadership.won.wait(20)
    assert leadership.term == 2
    stopping.set()
    until(lambda: not leadership.won.is_set())
    database.close()


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
