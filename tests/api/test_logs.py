"""Log sessions over the API, and the log as a stream."""

import itertools
import time
import uuid
from datetime import timedelta

import pytest

from kedge.api import log_session
from kedge.engine.protocols import LogLine


@pytest.fixture
def say(services, hello):
    """Write lines to the app's log: `say("web.1", "hello")`."""
    app_id = uuid.UUID(hello.id)

    def write(process, text, source="app"):
        services.logs.append(app_id, [LogLine(time.time_ns(), source, process, text)])

    return write


@pytest.fixture
def read(api):
    """Open a log session and read it."""

    def open_(headers=None, **asked):
        url = api.post("/apps/hello/log-sessions", asked)["logplex_url"]
        path = url.removeprefix("http://localhost")
        return api.application.test_client().get(path, headers=headers)

    return open_


EVENTS = {"Accept": "text/event-stream"}


def test_events_say_that_the_app_was_made(read, hello):
    """What happens to an app is in its log, in Heroku's form, with who did it."""
    text = read().text
    assert "app[api]: Initial release by user owner@localhost\n" in text
    assert text.endswith("app[api]: Release v2 created by user owner@localhost\n")


def test_plain_lines(say, read):
    """Without asking for events one gets lines, the newest that many, and the end."""
    for number in range(5):
        say("web.1", f"line {number}")
    answer = read(lines=2)
    assert answer.mimetype == "text/plain"
    assert [line.split(": ")[1] for line in answer.text.splitlines()] == ["line 3", "line 4"]


def test_filters(say, read):
    """A session shows one source, one dyno or one process type, by any of the members' names."""
    say("web.1", "from web")
    say("worker.1", "from worker")
    say("router", "from the router", source="heroku")
    for asked, expected in (
        ({"dyno": "web.1"}, ["from web"]),
        ({"dyno": "worker"}, ["from worker"]),
        ({"dyno_name": "web.1"}, ["from web"]),
        ({"type": "web"}, ["from web"]),
        ({"source": "heroku"}, ["from the router"]),
    ):
        lines = read(**asked).text.splitlines()
        assert [line.split(": ")[1] for line in lines] == expected, asked


def test_events_end_at_once_without_tail(say, read):
    """An event stream begins with a short retry, and without tail ends after what there is."""
    say("web.1", "hello")
    answer = read(EVENTS, lines=1)
    assert answer.mimetype == "text/event-stream"
    assert answer.text.startswith("retry: 10\n\nid: ")
    assert answer.text.endswith(" app[web.1]: hello\n\n")


def test_a_tail_goes_on(say, read):
    """A tail shows what comes, each batch with the id to go on after."""
    stream = read(EVENTS, lines=0, tail=True).iter_encoded()
    assert next(stream) == b"retry: 10\n\n"
    next(stream)
    say("web.1", "later")
    event = next(stream).decode()
    assert event.endswith("app[web.1]: later\n\n")
    assert event.startswith("id: ")


def test_a_reader_goes_on_where_it_was(say, read):
    """With the last id it saw a reader misses and repeats nothing, in a new session too."""
    say("web.1", "seen")
    first = read(EVENTS, lines=1).text
    last_id = next(line for line in first.splitlines() if line.startswith("id: "))[4:]
    say("web.1", "missed")
    stream = read({**EVENTS, "Last-Event-ID": last_id}, lines=1, tail=True).iter_encoded()
    events = itertools.islice((each for each in stream if b"data:" in each), 1)
    assert [line.count(b"data:") for line in events] == [1]


def test_heartbeats(monkeypatch, read, hello):
    """A silent tail is kept open by comments."""
    monkeypatch.setattr(log_session, "HEARTBEAT_SECONDS", 0.01)
    stream = read(EVENTS, lines=0, tail=True).iter_encoded()
    assert b": \n\n" in itertools.islice(stream, 4)


def test_a_session_lasts_while_it_is_read(api, services, monkeypatch, read, hello):
    """A tail renews its session as it goes, and ends when its app is erased."""
    from sqlalchemy import text

    monkeypatch.setattr(log_session, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(log_session, "RENEW_SECONDS", 0.0)
    stream = read(EVENTS, lines=0, tail=True).iter_encoded()
    list(itertools.islice(stream, 3))
    with services.database.transaction() as tx:
        tx.execute(text("delete from log_sessions"))
    assert len(list(stream)) < 10


def test_a_session_that_is_over(api, services, hello):
    """A session that was not opened within five minutes is 404, as an unknown one is."""
    from sqlalchemy import text

    url = api.post("/apps/hello/log-sessions", {})["logplex_url"]
    client = api.application.test_client()
    past = services.now() - timedelta(minutes=1)
    with services.database.transaction() as tx:
        tx.execute(text("update log_sessions set expires_at = :past"), {"past": past})
    for path in (url.removeprefix("http://localhost"), "/logs/unknown", "/logs/%00"):
        answer = client.get(path)
        assert answer.status_code == 404
    assert client.get(url).json["message"] == "Log stream timed out. Please try again."


def test_an_id_that_is_none(read, hello):
    """An id no stream ever gave is refused before the answer begins."""
    assert read({"Last-Event-ID": "no cursor"}).status_code == 400


@pytest.mark.parametrize(
    "body", [{"lines": "many"}, {"lines": [1]}, {"source": "moon"}, {"tail": "x"}, {"dyno": 7}]
)
def test_sessions_that_may_not_be(api, hello, body):
    """A session for what no log has is refused in words."""
    assert api.post("/apps/hello/log-sessions", body, 422)["message"]


def test_lines_are_bounded(say, read):
    """More lines than are kept for a session are as many as there are."""
    say("web.1", "one")
    assert read(lines=10**9).status_code == read(lines="-5").status_code == 200
