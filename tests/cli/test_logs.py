from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from cli.conftest import Kedge
from cli.fake_platform import Answer, FakePlatform, Steps
from kedge.cli.event_stream import events

LINES = [
    "2026-01-01T00:00:00.000001+00:00 app[web.1]: hello \u2028 there\x0cfeed",
    '2026-01-01T00:00:01.000001+00:00 heroku[router]: at=error code=H10 desc="App crashed"',
]


def _stream(lines: list[str], first: int = 1) -> Answer:
    pieces = [b"retry: 10\n\n: \n\n"]
    pieces += [f"id: {n}\ndata: {line}\n\n".encode() for n, line in enumerate(lines, first)]
    return Answer(headers={"Content-Type": "text/event-stream"}, pieces=pieces)


@pytest.fixture
def session(platform: FakePlatform) -> FakePlatform:
    platform.answers["POST", "/apps/shop/log-sessions"] = Answer(
        {"logplex_url": f"{platform.url}/streams/log?capability=1"}, 201
    )
    platform.answers["GET", "/streams/log"] = _stream(LINES)
    return platform


def test_lines_come_as_they_are(session: FakePlatform, kedge: Kedge):
    """Log lines are printed unaltered, one a line, whatever an app puts in them."""
    done = kedge("logs", "-a", "shop")
    assert done.status == 0, done.err
    assert done.out == "\n".join([*LINES, ""])


def test_filters_are_the_platforms(session: FakePlatform, kedge: Kedge):
    """Number, dyno and source are asked of the platform; the token is not sent to the log's URL."""
    kedge("logs", "-a", "shop", "-n", "5", "-d", "web", "-s", "app")
    asked = session.of("POST", "/apps/shop/log-sessions")[0].json
    assert asked == {"lines": 5, "tail": False, "dyno": "web", "source": "app"}
    assert "authorization" not in session.of("GET", "/streams/log")[0].headers


def test_json_lines(session: FakePlatform, kedge: Kedge):
    """`logs --json` is one object a line."""
    rows = [json.loads(line) for line in kedge("logs", "--json", "-a", "shop").out.splitlines()]
    assert (rows[1]["source"], rows[1]["dyno"]) == ("heroku", "router")


def test_tail_goes_on_where_it_broke_off(session: FakePlatform):
    """`--tail` connects again after a break, from the last line it has; Ctrl-C ends it with 130."""
    session.answers["GET", "/streams/log"] = Steps(
        _stream(["one", "two"]), Answer(status=404), _stream(["three"], 3), _stream([])
    )
    tail = subprocess.Popen(
        [sys.executable, "-m", "kedge.cli", "logs", "--tail", "-a", "shop"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tail.stdout
    assert [tail.stdout.readline() for _ in range(3)] == ["one\n", "two\n", "three\n"]
    tail.send_signal(signal.SIGINT)
    assert tail.wait(5) == 130
    read = session.of("GET", "/streams/log")
    assert [asked.headers.get("last-event-id") for asked in read[:3]] == [None, "2", "2"]
    assert len(session.of("POST", "/apps/shop/log-sessions")) == 2


def test_events_over_piece_boundaries():
    """Events are put together however their bytes are cut; several data lines stay in order."""
    whole = "id: 7\r\ndata: ä\ndata:b\n\n:hb\n\ndata: c\n\ndata: unfinished".encode()
    for size in (1, 2, 3, 1000):
        found = list(events(whole[i : i + size] for i in range(0, len(whole), size)))
        assert [(e.id, e.lines) for e in found] == [("7", ["ä", "b"]), (None, ["c"])]
