"""Fetching a source: what is had, what is refused, and where nobody gets to ask."""

import base64
import datetime as dt
import gzip
import hashlib
import http.server
import os
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kedge.engine.addresses import is_public, is_public_or_private
from kedge.engine.sources import SourceStore, fetch
from kedge.errors import BuildFailed, VerificationFailed
from source_archives import MB, tar

ARCHIVE = gzip.compress(tar("repo/Procfile"))


def anywhere(address: str) -> bool:
    """The sites of these tests are on this machine, which nobody else may ask."""
    return bool(address)


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None, str | None]]

    def do_GET(self) -> None:
        headers = self.headers
        self.server.asked.append((self.path, headers["Host"], headers["Authorization"]))
        path = self.path.partition("?")[0]
        answer = getattr(self, "answer_" + path.strip("/").replace("/", "_"), None)
        if answer is None:
            self.send_error(404)
        else:
            answer()

    def send(self, body: bytes, status: int = 200, length: int | None = None, **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answer_archive(self) -> None:
        self.send(ARCHIVE)

    def answer_packed(self) -> None:
        self.send(ARCHIVE, Content_Encoding="gzip")

    def answer_hop(self) -> None:
        self.send(b"", 302, Location="/archive")

    def answer_round(self) -> None:
        self.send(b"", 301, Location="/round")

    def answer_away(self) -> None:
        self.send(b"", 302, Location="file:///etc/passwd")

    def answer_inside(self) -> None:
        self.send(b"", 302, Location="http://169.254.169.254/latest")

    def answer_short(self) -> None:
        self.send(b"x" * 10, length=1000)
        self.close_connection = True

    def answer_long(self) -> None:
        self.send(b"", length=1 << 40)
        self.close_connection = True

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(bytes(65536))
        except OSError:
            pass

    def answer_slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


class Sites(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away in the middle here; that is the point."""


def serve(context: ssl.SSLContext | None = None) -> Sites:
    server = Sites(("127.0.0.1", 0), Site)
    server.asked, server.closing = [], threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    return server


def stop(server: Sites) -> None:
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def site() -> Iterator[Sites]:
    server = serve()
    yield server
    stop(server)


@pytest.fixture
def fetched(site: Sites, tmp_path: Path) -> Callable[..., Path]:
    """Fetch a path of the site, or a whole URL."""

    def of(path: str, **options) -> Path:
        url = path if ":" in path else f"http://127.0.0.1:{site.server_port}{path}"
        target = tmp_path / "fetched"
        defaults = {"limit_bytes": MB, "timeout_seconds": 20.0, "may_ask": anywhere}
        try:
            size_bytes = fetch(url, target, **{**defaults, **options})
        except BuildFailed:
            assert list(tmp_path.iterdir()) == [], "nothing half-made"
            raise
        assert size_bytes == target.stat().st_size
        return target

    return of


@pytest.mark.parametrize("path", ["/archive", "/packed", "/hop", "/archive?signature=1"])
def test_an_archive_is_fetched_as_it_is(fetched, path: str):
    """Packed stays packed, redirects are followed, a query is sent along."""
    assert fetched(path).read_bytes() == ARCHIVE


def test_a_build_gets_what_its_url_gives(site: Sites, tmp_path: Path):
    """Fetched once, checked, the leading folder off; fetched no second time."""
    store, source_id = SourceStore(tmp_path / "sources", may_ask=anywhere), uuid4()
    url = f"http://127.0.0.1:{site.server_port}/archive"
    checksum = "SHA256:" + hashlib.sha256(ARCHIVE).hexdigest()
    plain = store.obtain(source_id, url, checksum)
    with tarfile.open(plain) as found:
        assert found.getnames() == ["Procfile"]
    assert store.obtain(source_id, url, checksum) == plain
    assert len(site.asked) == 1
    with pytest.raises(VerificationFailed):
        store.obtain(source_id, url, "SHA256:" + "0" * 64)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nothing?token=s3cret", r"/nothing answered 404 Not Found\. Check the address"),
        ("/round", "redirects more than 5 times"),
        ("/away", "address is file:"),
        ("/short", "could not be fetched"),
        ("/long", "larger than 1 MB"),
        ("/endless", "larger than 1 MB"),
        ("ftp://example.com/a.tar", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("http://", "begins with https://"),
        ("http://[::1/a", "cannot be read"),
        ("http://127.0.0.1:1/a", "could not be fetched"),
    ],
)
def test_what_cannot_be_had_is_said(fetched, path: str, words: str):
    """Each failure has its words, and none shows what may be secret in an address."""
    with pytest.raises(BuildFailed, match=words) as refused:
        fetched(path)
    assert "s3cret" not in refused.value.message


def test_a_slow_site_does_not_hold_a_build_for_ever(fetched):
    """The time allowed is for all of it, however the bytes trickle."""
    with pytest.raises(BuildFailed, match="takes too long"):
        fetched("/slow", timeout_seconds=0.3)


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "[::1]", "2130706433", "169.254.169.254"]
)
def test_addresses_inside_are_refused(fetched, name: str):
    """Nobody reaches the platform's own machine or network through a build's address."""
    with pytest.raises(BuildFailed, match="an address inside this network"):
        fetched(f"http://{name}:9/x", may_ask=is_public)


def test_a_name_with_one_address_inside_is_refused(fetched):
    """One public address beside it does not help."""
    with pytest.raises(BuildFailed, match=r"is at 10\.0\.0\.1"):
        fetched(
            "http://tricky.example/x",
            may_ask=is_public,
            resolve=lambda host, port: ["203.0.112.1", "10.0.0.1"],
        )


def test_a_name_without_an_address_is_said(fetched):
    """A misspelt name is said to have no address."""
    with pytest.raises(BuildFailed, match="no address for nowhere"):
        fetched("http://nowhere.example/x", resolve=lambda host, port: [])


def test_a_redirect_is_checked_as_the_first_address_was(site: Sites, tmp_path: Path, monkeypatch):
    """A public site cannot send the platform to an address inside."""
    monkeypatch.setattr(
        "kedge.engine.source_fetch.is_public",
        lambda address: address == "127.0.0.1" or is_public(address),
    )
    with pytest.raises(BuildFailed, match=r"is at 169\.254\.169\.254"):
        fetch(
            f"http://127.0.0.1:{site.server_port}/inside",
            tmp_path / "x",
            limit_bytes=MB,
            timeout_seconds=20,
        )


def test_the_connection_goes_where_the_check_was(fetched, site: Sites):
    """The name is looked up once; the site still hears its name, and its account."""
    looked_up = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return ["127.0.0.1"]

    fetched(f"http://me:pass@source.example:{site.server_port}/archive", resolve=resolve)
    assert looked_up == [("source.example", site.server_port)]
    account = base64.b64encode(b"me:pass").decode()
    assert site.asked == [("/archive", f"source.example:{site.server_port}", f"Basic {account}")]


def test_the_certificate_must_be_the_names(fetched, tmp_path_factory, monkeypatch):
    """Over https the certificate is checked against the name, though the address is used."""
    pem = certificate(tmp_path_factory.mktemp("pem") / "pem", "source.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    server = serve(context)
    try:
        port = server.server_port
        there = {"resolve": lambda host, port: ["127.0.0.1"]}
        with pytest.raises(BuildFailed, match=r"(?i)certificate"):
            fetched(f"https://other.example:{port}/archive", **there)
        assert fetched(f"https://source.example:{port}/archive", **there).stat().st_size > 0
    finally:
        stop(server)


def certificate(path: Path, name: str) -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, plain)
    )
    return path


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_public_is_what_the_whole_internet_can_reach(address: str, public: bool):
    """Private ranges are told also in their IPv6 disguises."""
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.215.14", True),
        ("10.1.2.3", True),
        ("172.16.0.9", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_private_networks_are_asked_where_the_installation_says_so(address: str, allowed: bool):
    """Never the machine itself and never link-local, where clouds hand out credentials."""
    assert is_public_or_private(address) is allowed
