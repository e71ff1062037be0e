"""How the platform asks providers: what it sends, how long it waits, what it takes as an answer."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from kedge.engine.partner import BUILTIN_HOST, HttpPartner
from kedge.engine.protocols import Provider
from kedge.errors import ProviderAway, ProviderRefused
from providers.third_party import PASSWORD, SALT, ThirdParty

UUID = "0c5e4d9c-7a7e-4a4f-9c0b-1d2f3a4b5c6d"
PATIENCE_SECONDS = 1.0
NOWHERE = Path("/nonexistent/addons.sock")


@pytest.fixture
def other():
    """A provider that behaves until it is told not to."""
    with ThirdParty() as provider:
        yield provider


@pytest.fixture
def partner():
    """The client, with little patience; it may ask this machine."""
    return HttpPartner(NOWHERE, may_ask=lambda _: True, answer_seconds=PATIENCE_SECONDS)


def at(other: ThirdParty) -> Provider:
    return Provider(other.service, other.base_url, PASSWORD)


def provision(partner: HttpPartner, other: ThirdParty, **more):
    return partner.provision(at(other), {"uuid": UUID, "plan": "free", **more})


def test_a_resource_is_made_changed_and_removed(partner, other):
    """With the id and password of the manifest, in the version of the API that is spoken."""
    made = provision(partner, other)
    assert (made.provider_id, made.is_pending) == (UUID, False)
    assert set(made.config) == {"FAST_DB_URL", "FAST_DB_KEY"}
    assert made.message == "Your free database is coming."

    assert partner.change_plan(at(other), UUID, "team").message == "You have team now."
    partner.deprovision(at(other), UUID)
    partner.deprovision(at(other), UUID)  # gone already (410) is fine

    assert [call.method for call in other.calls] == ["POST", "PUT", "DELETE", "DELETE"]
    sent = other.calls[0].headers
    assert sent["accept"] == "application/vnd.heroku-addons+json; version=3"
    assert sent["content-type"] == "application/json"


def test_a_resource_that_will_be(partner):
    """202 is a beginning: there is no config yet."""
    with ThirdParty(is_async=True) as other:
        made = provision(partner, other)
    assert (made.provider_id, made.is_pending, made.config) == (UUID, True, None)


@pytest.mark.parametrize("status", [400, 402, 403, 409, 422])
def test_a_provider_that_says_no(partner, other, status):
    """Its words are for whoever asked; asking again would bring the same answer."""
    other.next(status=status, payload={"message": "No room in this region.\x1b[31m"})
    with pytest.raises(ProviderRefused) as refused:
        provision(partner, other)
    assert refused.value.words == "No room in this region.[31m"


@pytest.mark.parametrize(
    "how",
    [
        {"status": 500, "payload": {"message": "?"}},
        {"status": 503},
        {"status": 429},
        {"status": 302, "headers": {"Location": "http://169.254.169.254/latest"}},
        {"status": 307, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"status": 200, "payload": b"<html>It works!</html>"},
        {"status": 201, "payload": b'{"id": "1"'},
        {"status": 201, "payload": []},
        {"status": 201, "payload": "words"},
        {"status": 201},
        {"status": 201, "payload": {"config": {}}},
        {"status": 201, "payload": {"id": "../../other?x=1"}},
        {"status": 201, "payload": {"id": {"a": 1}}},
        {"status": 201, "payload": b'{"id": "\\ud800"}'},
        {"status": 204},
        {"status": 201, "payload": b"[" * 100_000},
        {"status": 201, "payload": {"id": "1", "message": "x" * (1024 * 1024)}},
        {"status": 201, "payload": b"\x1f\x8b", "headers": {"Content-Encoding": "gzip"}},
        {"status": 201, "payload": {"id": "1"}, "cut": True},
        {"hangs": True},
        {"status": 201, "payload": {"id": "1"}, "drip_seconds": 0.3},
    ],
    ids=lambda how: "-".join(f"{key}={str(value)[:20]}" for key, value in how.items()),
)
def test_a_provider_that_is_away_slow_or_lies(partner, other, how):
    """It is of no use now, within the time it is given; nothing it says is followed or believed."""
    other.then(**how)
    began = time.monotonic()
    with pytest.raises(ProviderAway) as away:
        provision(partner, other)
    assert time.monotonic() - began < 4 * PATIENCE_SECONDS + 1
    assert len(other.calls) == 1
    assert PASSWORD not in str(away.value)


def test_headers_that_never_end(partner):
    """A byte now and then keeps nobody waiting for longer than a whole answer may take."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
            while not over.wait(0.2):
                connection.sendall(b"a")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/heroku/resources"
        began = time.monotonic()
        with pytest.raises(ProviderAway):
            partner.provision(Provider("x", place, PASSWORD), {})
        assert time.monotonic() - began < 4 * PATIENCE_SECONDS + 1
    finally:
        over.set()
        thread.join()
        listener.close()


def test_nobody_listens(partner, other):
    """A provider that is down is away."""
    place = at(other)
    other.stop()
    with pytest.raises(ProviderAway):
        partner.provision(place, {})
    other.stop = lambda: None


def test_the_inside_of_this_network_is_not_asked(other):
    """By address, by name, and by a name that leads here; nothing is sent."""
    partner = HttpPartner(NOWHERE, resolve=lambda *_: ["203.0.113.7", "10.1.2.3"])
    port = other.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "x.localhost", "[::1]", "169.254.169.254",
                 "[::ffff:127.0.0.1]", "rebound.example.com"):  # fmt: skip
        with pytest.raises(ProviderAway):
            partner.provision(Provider("x", f"http://{host}:{port}/heroku/resources", "p"), {})
    assert other.calls == []


def test_a_name_without_an_address():
    """It is away: it may come back."""
    partner = HttpPartner(NOWHERE, resolve=lambda *_: [])
    with pytest.raises(ProviderAway):
        partner.provision(Provider("x", "https://gone.example.com/heroku/resources", "p"), {})


def test_the_name_is_kept_where_the_address_was_checked(other):
    """Whoever serves several names sees which one is meant; an address that refuses is skipped."""
    partner = HttpPartner(
        NOWHERE, may_ask=lambda _: True, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"]
    )
    port = other.url.rpartition(":")[2]
    place = f"http://db.example.com:{port}/heroku/resources"
    partner.provision(Provider(other.service, place, PASSWORD), {"uuid": UUID, "plan": "free"})
    assert other.calls[0].headers["host"] == f"db.example.com:{port}"


def test_the_built_in_ones_are_at_a_socket(tmp_path):
    """Whatever the rest of the network looks like; a socket that is not there yet is away."""
    partner = HttpPartner(tmp_path / "addons.sock", answer_seconds=PATIENCE_SECONDS)
    place = Provider("x", f"http://{BUILTIN_HOST}/x/heroku/resources", SALT)
    for _ in range(2):
        with pytest.raises(ProviderAway):
            partner.provision(place, {})

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "addons.sock"))
    listener.listen()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                body = b'{"id": "1", "config": {}}'
                connection.sendall(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: "
                                   + str(len(body)).encode() + b"\r\n\r\n" + body)  # fmt: skip

    thread = threading.Thread(target=serve)
    thread.start()
    assert [partner.provision(place, {}).provider_id for _ in range(2)] == ["1", "1"]
    thread.join()
    listener.close()
