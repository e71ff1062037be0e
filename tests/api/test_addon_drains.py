"""The log of an app, sent on to the drain its add-on's provider asked for."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.provider import Provider
from kedge.engine.logplex import Logplex, framed
from kedge.engine.protocols import LogLine
from kedge.errors import ProviderAway
from kedge.loops.drains import Drains

SECOND_NS = 1_000_000_000


class Sink:
    """An HTTP drain; `status` is what it answers, `got` what it was sent."""

    def __init__(self):
        self.got, self.status, sink = [], 200, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append((dict(self.headers), body))
                self.send_response(sink.status)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/drain?key=secret"

    def lines(self):
        return [each.split(b" - ", 1)[1].decode().strip() for _, body in self.got
                for each in body.splitlines()]  # fmt: skip


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def addon(api, sink, hello):
    """An add-on of `hello` whose provider wants its log."""
    provider = Provider()
    api.post("/kedge/addon-services", provider.manifest())
    answer = {"id": "r1", "config": {}, "log_drain_url": sink.url}
    provider.answer = lambda method, *_: (200, answer) if method == "POST" else (204, b"")
    yield api.post("/apps/hello/addons", {"plan": "notes"})
    provider.close()


@pytest.fixture
def drains(services):
    """The loop; what it sends may go to this machine."""
    sender = Logplex(may_ask=lambda _: True, answer_seconds=2.0)
    return Drains(services, sender, services.settings.home / "log-drains.json")


@pytest.fixture
def write(services, hello):
    """Writes lines into the log of `hello`, old enough to be sent at once."""

    def write(*texts):
        at = time.time_ns() - 5 * SECOND_NS
        lines = [LogLine(at + n, "app", "web.1", text) for n, text in enumerate(texts)]
        services.logs.append(uuid.UUID(hello.id), lines)

    return write


def until(drains, condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        drains.look()
        time.sleep(0.02)


def test_lines_are_sent_on(api, sink, addon, drains, write):
    """As Logplex sends them, from when the add-on is there; listed without what is secret."""
    write("before it was looked at")
    drains.look()
    write("GET /", "zwölf")
    until(drains, lambda: len(sink.lines()) >= 2)
    headers, body = sink.got[0]

    assert sink.lines() == ["GET /", "zwölf"]
    assert headers["Content-Type"] == "application/logplex-1"
    assert headers["Logplex-Drain-Token"] == f"d.{addon['id']}"
    assert body.split(b" ", 1)[1].startswith(b"<190>1 2")
    assert b" host app web.1 - GET /\n" in body
    (listed,) = api.get("/apps/hello/log-drains")
    assert (listed["addon"]["name"], listed["url"]) == (addon["name"], "http://127.0.0.1")


@pytest.mark.parametrize("status", [500, 302])
def test_one_that_fails_gets_all_of_it_later(services, sink, addon, drains, write, status):
    """It rests, and then has every line, also after a restart; nobody is sent elsewhere."""
    drains.look()
    sink.status = status
    write("one")
    until(drains, lambda: sink.got)
    write("two")
    sink.got, sink.status = [], 200
    again = Drains(services, drains._sender, services.settings.home / "log-drains.json")
    until(again, lambda: len(sink.lines()) >= 2)

    assert sink.lines() == ["one", "two"]


def test_it_ends_with_the_add_on(api, services, sink, addon, drains, write):
    """A destroyed one is sent nothing more, and nothing is kept of it."""
    drains.look()
    api.delete(f"/apps/hello/addons/{addon['name']}")
    write("secret")
    drains.look()

    assert api.get("/apps/hello/log-drains") == []
    assert (services.settings.home / "log-drains.json").read_text() == "{}"
    assert sink.got == []


def test_syslog_over_tcp():
    """The same frames over a plain connection, with the drain's token for a host."""
    listener = socket.create_server(("127.0.0.1", 0))
    got = []

    def take():
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            got.append(stream.read())

    taking = threading.Thread(target=take)
    taking.start()
    url = f"syslog://127.0.0.1:{listener.getsockname()[1]}"
    line = LogLine(0, "heroku", "router", "at=info")
    Logplex(may_ask=lambda _: True).send(url, "d.7", [line])
    taking.join(10)
    listener.close()

    assert got == [framed([line], "d.7")]
    message = b"<158>1 1970-01-01T00:00:00.000000+00:00 d.7 heroku router - at=info\n"
    assert got[0] == b"%d %s" % (len(message), message)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "syslog://localhost:1", "syslog+tls://[::1]", "http://10.0.0.7/x"],
)
def test_the_inside_of_this_network_is_not_sent_to(url):
    """Nor what does not answer; the address, which may hold a secret, is not told."""
    with pytest.raises(ProviderAway):
        Logplex().send(url, "d.7", [LogLine(0, "app", "web.1", "x")])
