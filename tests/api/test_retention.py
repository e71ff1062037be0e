"""What of the past is dropped when it is old, and what stays however old it is."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from kedge import clock
from kedge.model.build import Source
from kedge.model.event import Event
from kedge.model.output import Output, OutputChunk
from kedge.ops import outputs, retention, sources


@pytest.fixture
def kept(services):
    """Services that keep outputs for ten days and the newest two, events for ten."""
    settings = replace(services.settings, output_days=10, output_newest=2, event_days=10)
    return replace(services, settings=settings)


def age(services, table, days, *ids):
    """Have rows be so old."""
    then = clock.now() - timedelta(days=days)
    with services.database.transaction() as tx:
        query = update(table).values(created_at=then)
        tx.execute(query.where(table.id.in_(ids)) if ids else query)


def outputs_of(services, app, count):
    """Ended outputs of an app, the oldest first."""
    made = [uuid.uuid4() for _ in range(count)]
    for output_id in made:
        outputs.begin(services, uuid.UUID(app.id), output_id)
        outputs.write(services, output_id, f"Built {output_id}\n".encode())
        outputs.finish(services, output_id)
    return made


def count_of(services, table):
    with services.database.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(table))


def test_old_output_says_that_it_is_no_longer_kept(api, kept, hello, monkeypatch):
    """All but the app's newest are emptied; who asks for one is told, and not left waiting."""
    monkeypatch.setattr(retention, "OUTPUTS_AT_ONCE", 2)
    made = outputs_of(kept, hello, 5)
    age(kept, Output, 11)
    for number, output_id in enumerate(made):
        age(kept, Output, 20 - number, output_id)
    assert retention.drop_outputs(kept) == 3
    assert retention.drop_outputs(kept) == 0
    told = [b"".join(outputs.follow(kept, output_id)).decode() for output_id in made]
    assert told[3:] == [f"Built {output_id}\n" for output_id in made[3:]]
    for words in told[:3]:
        assert "no longer kept: it is older than" in words
    assert count_of(kept, OutputChunk) == 2
    assert api.answer("GET", f"/output/{made[0]}").status_code == 200


def test_young_output_is_kept_however_much_there_is(kept, hello):
    """The number is of those that stay when they are old."""
    outputs_of(kept, hello, 5)
    assert retention.drop_outputs(kept) == 0
    assert count_of(kept, OutputChunk) == 5


def test_events_are_dropped_when_they_are_old(kept, hello, monkeypatch):
    """A few at a time, the oldest first, until all are younger."""
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    with kept.database.transaction() as tx:
        tx.add_all(Event(app_id=uuid.UUID(hello.id), actor="a@b", action=f"{n}") for n in range(5))
    age(kept, Event, 11)
    with kept.database.transaction() as tx:
        tx.add(Event(app_id=uuid.UUID(hello.id), actor="a@b", action="new"))
    assert retention.drop_events(kept) >= 5
    with kept.database.transaction() as tx:
        assert list(tx.scalars(select(Event.action))) == ["new"]


def test_0_days_are_for_ever(kept, hello):
    """Who wants to keep everything can."""
    settings = replace(kept.settings, output_days=0, event_days=0)
    for_ever = replace(kept, settings=settings)
    outputs_of(for_ever, hello, 5)
    age(for_ever, Output, 4000)
    age(for_ever, Event, 4000)
    assert retention.drop_outputs(for_ever) == 0
    assert retention.drop_events(for_ever) == 0


def test_a_source_that_nobody_built_goes_after_a_day(services, deployer, hello):
    """With what was uploaded; one that was built stays, as its build names it."""
    blob = deployer.api.post("/sources", {})["source_blob"]
    built = deployer.build()
    deployer.upload(b"x")
    with services.database.transaction() as tx:
        assert len(sources.awaited(tx)) == 2
    assert retention.drop_sources(services) == 0
    age(services, Source, 2)
    before = len(services.sources.ages())
    assert retention.drop_sources(services) == 2
    assert len(services.sources.ages()) == before - 1
    assert deployer.api.get(f"/apps/hello/builds/{built['id']}")["status"] == "succeeded"
    refused = deployer.api.application.test_client().put(path_of(blob["put_url"]), data=b"x")
    assert refused.status_code == 404


def path_of(url):
    return "/" + url.split("/", 3)[3]


def test_all_of_it_is_one_task(kept, hello):
    """An app that is destroyed meanwhile, or nothing at all to drop, is no trouble."""
    retention.drop_past(kept)
    outputs_of(kept, hello, 3)
    for table in (Output, Event, Source):
        age(kept, table, 400)
    with kept.database.transaction() as tx:
        tx.execute(text("delete from apps"))
    retention.drop_past(kept)
    assert count_of(kept, Event) == 0
