"""Connections: what lasts holds none that a transaction needs, and too few are said in words."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from kedge import db
from kedge.errors import InvalidParams, Unavailable
from kedge.ops import apps

EVENT = """insert into events (created_at, actor, action, details)
values (now(), 'somebody', 'looked', '{}')"""


def test_locks_take_no_connection_of_the_transactions(database_url):
    """Twenty locks are held for as long as one likes beside transactions on two connections."""
    database = db.Database(database_url, connections=2)
    with ExitStack() as stack:
        locks = [stack.enter_context(database.advisory_lock(f"push {n}")) for n in range(20)]
        with database.transaction() as tx:
            assert tx.scalar(text("select 1")) == 1
        assert all(lock.is_alive() for lock in locks)
        with database.advisory_lock("push 7", wait=False) as taken:
            assert not taken.held
    database.close()


def test_a_lock_whose_connection_is_lost_says_so(database_url):
    """Who holds a lock can ask for it before doing what only its holder may do."""
    database = db.Database(database_url)
    with database.advisory_lock("push") as lock:
        assert lock.is_alive()
        with database.transaction() as tx:
            others = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
            tx.execute(text(others))
        assert not lock.is_alive()
    database.close()


def test_what_nobody_needs_is_given_back(database_url, monkeypatch):
    """A connection no transaction used for a while ends at the server; the next makes its own."""
    monkeypatch.setattr(db, "IDLE_SECONDS", 1)
    database, watcher = db.Database(database_url), db.Database(database_url)
    mine = "select count(*) from pg_stat_activity where backend_type = 'client backend' "
    mine += "and datname = current_database() and pid <> pg_backend_pid()"
    with database.transaction() as tx:
        tx.execute(text("select 1"))
    deadline = time.monotonic() + 10
    left = 1
    while left:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        with watcher.transaction() as tx:
            left = tx.scalar(text(mine))
    with database.transaction() as tx:
        assert tx.scalar(text("select 1")) == 1
    database.close()
    watcher.close()


def test_too_few_connections_are_said_in_words(database_url, monkeypatch):
    """Who waited in vain for a connection is told to try again, as of any part that is away."""
    monkeypatch.setattr(db, "POOL_SECONDS", 0.1)
    database = db.Database(database_url, connections=2)
    with ExitStack() as stack:
        for _ in range(2):
            tx = stack.enter_context(database.transaction())
            tx.execute(text("select 1"))
        with pytest.raises(Unavailable, match="more to do"), database.transaction() as tx:
            tx.execute(text("select 1"))
    database.close()


def test_a_change_is_told_with_the_app_it_is_of_once_it_is_committed(services, owner):
    """Whoever shows apps hears which changed, whatever changed; what failed is no change."""
    told = []
    services.database.on_change = lambda app_ids: told.append(set(app_ids))
    app = apps.create(services, owner.actor, "shown")
    assert told == [{app.id}]

    apps.set_maintenance(services, owner.actor, "shown", on=True)
    apps.find(services, owner.actor, "shown")
    assert told == [{app.id}] * 2

    with pytest.raises(InvalidParams):
        apps.rename(services, owner.actor, "shown", "api")
    assert told == [{app.id}] * 2


def test_a_moment_is_one_snapshot_read_once(database_url):
    """Use cases in it share a transaction, which sees no later commit; afterwards they do not."""
    database, other = db.Database(database_url), db.Database(database_url)
    count, add = text("select count(*) from events"), text(EVENT)
    with database.moment():
        with database.transaction() as first:
            before = first.scalar(count)
        with other.transaction() as tx:
            tx.execute(add)
        with database.moment(), database.transaction() as second:  # one within it is the same
            assert (second is first, second.scalar(count)) == (True, before)
        with database.transaction() as third:
            assert third is first
    with database.transaction() as tx:
        assert tx.scalar(count) == before + 1
    database.close()
    other.close()


def test_a_moment_is_for_reading(database_url):
    """A use case that writes is refused in it, and writes again after it."""
    database = db.Database(database_url)
    refused = pytest.raises(InternalError, match="read-only")
    with refused, database.moment(), database.transaction() as tx:
        tx.execute(text(EVENT))
    with database.transaction() as tx:
        tx.execute(text(EVENT))
    database.close()
