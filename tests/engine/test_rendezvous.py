"""The rendezvous server, with real TLS, real processes and clients that behave in every way."""

import contextlib
import os
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kedge.engine.rendezvous import RendezvousServer
from kedge.engine.rendezvous_session import EXIT_MARK, GREETING
from kedge.engine.rendezvous_wire import Wire
from kedge.errors import RuntimeDown
from one_offs import PATIENCE_SECONDS, SECRET, Door, OneOff, make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def opened(certificate: Path) -> Iterator[Callable[..., Door]]:
    """Open a server with options; closed at the end."""
    doors: list[Door] = []

    def with_options(**options: float) -> Door:
        doors.append(Door(certificate, **options))
        return doors[-1]

    yield with_options
    for door in doors:
        door.server.close()


@pytest.fixture
def door(opened: Callable[..., Door]) -> Door:
    return opened()


def rest_of(client: ssl.SSLSocket) -> bytes:
    """Everything up to the server's goodbye. A connection cut without one raises."""
    client.suppress_ragged_eofs = False
    found = b""
    while chunk := client.recv(65536):
        found += chunk
    return found


def until(client: ssl.SSLSocket, wanted: bytes) -> bytes:
    found = b""
    while wanted not in found:
        chunk = client.recv(65536)
        assert chunk, f"closed after {found!r}"
        found += chunk
    return found


def wait(event: threading.Event) -> None:
    assert event.wait(PATIENCE_SECONDS)


# --- the greeting ------------------------------------------------------------------------------


def test_the_greeting_comes_alone_and_before_all_output(door: Door, monkeypatch):
    """The CLI throws away its first chunk: that is the greeting, and output comes 60 ms later."""
    sent: list[tuple[float, bytes]] = []
    send = Wire.send

    def noted(wire: Wire, payload: bytes) -> None:
        sent.append((time.monotonic(), payload))
        send(wire, payload)

    monkeypatch.setattr(Wire, "send", noted)
    session = OneOff("echo at once")
    client = door.attach(session)
    assert rest_of(client) == b"at once\n"
    client.close()
    wait(session.done)
    (greeted_at, greeting), (shown_at, shown) = sent
    assert (greeting, shown) == (b"rendezvous\r\n", b"at once\n")
    assert shown_at - greeted_at >= 0.06
    assert session.happened == ["start", "finished"]
    assert session.attachment.closed.is_set()


@pytest.mark.parametrize("sent", ["wrong", "", "0" * 3000])
def test_an_unknown_secret_gets_no_words(door: Door, sent: str):
    """Nothing is told to whoever does not know a secret."""
    client = door.connect()
    client.sendall(f"{sent}\r\n".encode())
    assert client.recv(100) == b""


def test_a_secret_works_once(door: Door):
    """The second client with the same secret gets nothing; the first goes on."""
    first = door.attach(OneOff("read line; echo got $line"))
    second = door.connect()
    second.sendall(f"{SECRET}\r\n".encode())
    assert second.recv(100) == b""
    first.sendall(b"it\n")
    assert rest_of(first) == b"got it\n"


def test_a_dyno_that_does_not_start_is_said(door: Door):
    """The words of the error reach the screen, and everything is let go."""
    session = OneOff("true")

    def fail() -> None:
        raise RuntimeDown("The container engine does not answer.")

    session.start = fail
    client = door.attach(session)
    assert b" !    The container engine does not answer.\r\n" in rest_of(client)
    client.close()
    wait(session.done)
    assert session.happened == ["finished"]


# --- bytes -------------------------------------------------------------------------------------


def test_bytes_pass_both_ways_unchanged(door: Door):
    """Sixteen megabytes through `cat`, sent and read at the same time, come back as they were."""
    payload = os.urandom(1 << 20) * 16
    payload = payload.replace(b"\x04", b"\x05")
    client = door.attach(OneOff("cat"))
    client.setblocking(False)
    to_send, got = payload + b"\x04", bytearray()
    give_up_at = time.monotonic() + 60
    while len(got) < len(payload):
        assert time.monotonic() < give_up_at
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            to_send = to_send[client.send(to_send[: 1 << 18]) :] if to_send else to_send
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            got += client.recv(1 << 18)
    client.settimeout(PATIENCE_SECONDS)
    assert rest_of(client) == b""
    assert bytes(got) == payload


@pytest.mark.parametrize("together", [True, False])
def test_the_end_byte_closes_the_input_of_a_pipe(door: Door, together: bool):
    """0x04 as the last byte ends the dyno's input, sent along with the data or alone."""
    client = door.attach(OneOff("wc -c; echo done"))
    client.sendall(b"a\x04b\n\x04" if together else b"a\x04b\n")
    if not together:
        client.sendall(b"\x04")
    assert rest_of(client) == b"4\ndone\n"


def test_the_end_byte_in_the_middle_is_data(door: Door):
    """A 0x04 that something follows is passed on."""
    client = door.attach(OneOff("head -c 5 | od -An -tx1"))
    client.sendall(b"ab\x04")
    client.sendall(b"cd")
    assert rest_of(client).split() == [b"61", b"62", b"04", b"63", b"64"]


def test_a_terminal_gets_the_end_byte(door: Door):
    """With a TTY the byte goes to the terminal, which makes the end of the input of it."""
    client = door.attach(OneOff("stty -echo; echo ready; cat; echo over", tty=True))
    shown = until(client, b"ready\r\n")
    client.sendall(b"hello\n\x04")
    assert b"hello\r\nover\r\n" in shown + rest_of(client)


def test_a_terminal_has_the_clients_size(door: Door):
    """`stty size` says the columns and lines of the client's window."""
    session = OneOff("read line; stty size", tty=True, size=(123, 45))
    client = door.attach(session)
    client.sendall(b"\n")
    assert b"45 123\r\n" in rest_of(client)


def test_control_c_reaches_the_terminal(door: Door):
    """Keys go through as they are; the terminal makes signals of them."""
    command = "trap 'echo caught; exit' INT; echo ready; while :; do sleep 0.05; done"
    client = door.attach(OneOff(command, tty=True))
    shown = until(client, b"ready\r\n")
    client.sendall(b"\x03")
    assert b"caught" in shown + rest_of(client)


def test_output_of_a_slow_reader_is_not_lost(door: Door):
    """All output arrives though the dyno has long ended when the client gets to read it."""
    session = OneOff("head -c 60000 /dev/zero")
    client = door.attach(session)
    session.attachment.process.wait(PATIENCE_SECONDS)
    assert rest_of(client) == bytes(60_000)


def test_output_arrives_while_the_client_still_sends(door: Door):
    """A dyno that ends with input left over does not cost the client its last lines."""
    session = OneOff("head -c 10; echo; echo last words")
    client = door.attach(session)
    client.setblocking(False)
    found, give_up_at = b"", time.monotonic() + PATIENCE_SECONDS
    # In one thread: a TLS connection may not be read and written at the same moment.
    while b"last words\n" not in found:
        assert time.monotonic() < give_up_at
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            client.send(b"x" * 1000)
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            chunk = client.recv(65536)
            assert chunk, f"closed after {found!r}"
            found += chunk
        time.sleep(0.001)
    assert found == b"x" * 10 + b"\nlast words\n"
    client.close()
    wait(session.done)


# --- the exit status ---------------------------------------------------------------------------


def test_the_exit_status_comes_in_one_record(door: Door):
    """The line the CLI reads the status from is one chunk, however the dyno writes it."""
    command = (
        "printf 'some output'; sleep 0.1; printf '\\xef\\xbf'; sleep 0.1; "
        "printf '\\xbf heroku-command-exit-'; sleep 0.1; printf 'status: 4'; sleep 0.1; echo 2"
    )
    client = door.attach(OneOff(command))
    chunks = []
    while chunk := client.recv(65536):
        chunks.append(chunk)
    assert b"".join(chunks) == b"some output" + EXIT_MARK + b" 42\n"
    assert EXIT_MARK + b" 42\n" in chunks


# --- clients that go away ----------------------------------------------------------------------


@pytest.mark.parametrize("rudely", [True, False])
def test_the_dyno_is_hung_up_when_its_client_goes(door: Door, rudely: bool):
    """A goodbye in TLS and a cut cable both end in SIGHUP for the dyno."""
    session = OneOff("echo ready; sleep 60")
    client = door.attach(session)
    until(client, b"ready\n")
    if rudely:
        linger = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
    else:
        client.settimeout(0.1)
        with contextlib.suppress(OSError):
            client.unwrap()
        client.close()
    wait(session.hung_up)
    wait(session.done)
    assert session.attachment.process.wait(PATIENCE_SECONDS) == -signal.SIGHUP
    assert session.happened == ["start", "hang_up", "finished"]


def test_a_client_that_goes_is_noticed_though_its_input_is_stuck(door: Door):
    """A dyno that reads nothing does not hide that its client has gone."""
    session = OneOff("sleep 60")
    client = door.attach(session)
    client.sendall(b"x" * 1_140_000)
    client.close()
    wait(session.hung_up)
    wait(session.done)


def test_silence_ends_a_session(opened: Callable[..., Door]):
    """After the idle time the client is told, and the dyno hung up."""
    door = opened(idle_seconds=0.3)
    session = OneOff("sleep 60")
    client = door.attach(session)
    shown = b""
    with contextlib.suppress(OSError):
        while chunk := client.recv(1000):
            shown += chunk
    assert b"Nothing was sent or received for too long" in shown
    wait(session.hung_up)
    wait(session.done)


def test_closing_the_server_ends_its_sessions(opened: Callable[..., Door]):
    """After close nobody is taken, and the dynos' clients count as gone."""
    door = opened()
    session = OneOff("sleep 60")
    door.attach(session)
    door.server.close()
    wait(session.done)
    assert session.happened == ["start", "hang_up", "finished"]
    with pytest.raises(OSError, match=r"(?i)refused|reset"):
        door.connect()


def test_too_many_sessions_are_turned_away_in_words(opened: Callable[..., Door]):
    """Over the limit a client is told so; when one has ended there is room again."""
    door = opened(most_sessions=1)
    first = OneOff("read line")
    client = door.attach(first)
    second = OneOff("true")
    turned_away = door.attach(second, "b" * 32)
    assert b"Too many one-off dynos are attached" in rest_of(turned_away)
    turned_away.close()
    wait(second.done)
    assert second.happened == ["hang_up", "finished"]
    assert second.attachment.closed.is_set()
    client.sendall(b"\n")
    rest_of(client)
    client.close()
    wait(first.done)
    for attempt in range(100):
        third = OneOff("echo room")
        shown = rest_of(door.attach(third, f"{attempt:032}"))
        if shown == b"room\n":
            return
        time.sleep(0.05)
    pytest.fail("no room again")


# --- strangers ---------------------------------------------------------------------------------


def test_strangers_harm_nobody(opened: Callable[..., Door]):
    """Port scans, plain HTTP, silence, garbage and endless lines leave the server working."""
    door = opened(secret_seconds=0.5)

    def plain() -> socket.socket:
        return socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE_SECONDS)

    silent = [plain() for _ in range(20)]
    half_open = [door.connect() for _ in range(5)]
    for one in half_open:
        one.sendall(b"half a sec")
    with plain() as scan:
        scan.close()
    with plain() as http:
        http.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while http.recv(100):
                pass
    with plain() as noise:
        noise.sendall(b"\x16\x03\x01\x02\x00" + os.urandom(600))
    with door.connect() as endless, contextlib.suppress(OSError):
        endless.sendall(b"x" * 100_000)
        assert endless.recv(100) == b""
    with door.connect() as odd:
        odd.sendall(b"\xff\xfe\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert odd.recv(100) == b""
    assert rest_of(door.attach(OneOff("echo fine"))) == b"fine\n"
    for one in [*silent, *half_open]:
        with one, contextlib.suppress(ConnectionResetError):
            assert one.recv(100) == b"", "closed after its time"


def test_a_claim_that_fails_harms_nobody(certificate: Path):
    """When secrets cannot be looked up the client is let go, and the server goes on."""

    def claim(secret: str) -> OneOff | None:
        if secret == "down":
            raise RuntimeDown("no")
        return OneOff("echo up")

    server = RendezvousServer("127.0.0.1", 0, certificate, claim)
    port = server.start()
    trust = ssl.create_default_context(cafile=certificate)
    shown = []
    for secret in ("down", "up"):
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        with trust.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            client.sendall(f"{secret}\n".encode())
            shown.append(rest_of(client))
    server.close()
    assert shown == [b"", GREETING + b"up\n"]


def test_a_renewed_certificate_is_used_at_once(tmp_path: Path):
    """A certificate that was replaced serves the next client; a broken one changes nothing."""
    path = make_certificate(tmp_path / "server.pem")
    door = Door(path)
    try:
        make_certificate(tmp_path / "new.pem").replace(path)
        door.trust = ssl.create_default_context(cafile=path)
        assert rest_of(door.attach(OneOff("echo new"))) == b"new\n"
        path.write_text("half a certif")
        assert rest_of(door.attach(OneOff("echo still"))) == b"still\n"
    finally:
        door.server.close()
