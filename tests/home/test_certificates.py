"""TLS by the platform's own authority."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading

import pytest
from cryptography import x509

from kedge.home import certificates
from kedge.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """Settings of a home with the folder certificates go to."""
    (tmp_path / "router" / "certs").mkdir(parents=True)
    return Settings(home=tmp_path)


def handshake(pem_file, ca_file, name):
    """Shake hands over TLS as a client that trusts the CA and expects the name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem_file)
    client = ssl.create_default_context(cafile=ca_file)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()

    def serve():
        # A client that refuses hangs up, which this side sees as an error of its own.
        try:
            with server.wrap_socket(far, server_side=True):
                pass
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=name):
            pass
    finally:
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "api.localhost", "git.localhost"])
def test_the_default_certificate_holds_for_the_platforms_names(settings, name):
    """A client that trusts `ca.pem`, and checks strictly, accepts every name of the platform."""
    certificates.ensure_default(settings)
    handshake(certificates.default_path(settings.home), settings.home / "ca.pem", name)


def test_apps_below_a_domain_are_covered_by_a_wildcard(settings):
    """With a domain of its own, APP.DOMAIN is covered without a certificate for each app."""
    found = Settings(home=settings.home, domain="kedge.example.com", bind="192.0.2.7")
    certificates.ensure_default(found)
    path, ca = certificates.default_path(found.home), found.home / "ca.pem"
    for name in ("kedge.example.com", "my-app.kedge.example.com", "192.0.2.7"):
        handshake(path, ca, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(path, ca, "elsewhere.example.com")


def test_an_issued_certificate_is_for_its_names_alone(settings, tmp_path):
    """`issue` signs a certificate for an app's hosts, which no other host can use."""
    (tmp_path / "app.pem").write_text(certificates.issue(settings.home, ["my-app.localhost"]))
    handshake(tmp_path / "app.pem", settings.home / "ca.pem", "my-app.localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / "app.pem", settings.home / "ca.pem", "other.localhost")


def test_a_good_certificate_is_kept_and_one_near_its_end_renewed(settings):
    """The certificate stays as long as it is good, and is renewed two months before its end."""
    path = certificates.default_path(settings.home)
    assert certificates.ensure_default(settings)
    before = path.read_text()
    assert not certificates.ensure_default(settings)
    assert path.read_text() == before
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=340)
    assert certificates.ensure_default(settings, later)
    assert path.read_text() != before


def test_other_names_or_another_authority_make_a_new_one(settings):
    """A changed domain, or a replaced authority, is noticed at the next start."""
    certificates.ensure_default(settings)
    moved = Settings(home=settings.home, domain="kedge.example.com")
    assert certificates.ensure_default(moved)
    for name in ("ca.pem", "ca.key"):
        (settings.home / name).unlink()
    assert certificates.ensure_default(moved)


def test_the_authority_is_made_once_and_its_key_kept_secret(settings):
    """`ca.pem` may be given away, `ca.key` is the owner's; both stay as they are."""
    first = certificates.authority(settings.home)
    assert certificates.authority(settings.home).certificate == first.certificate
    assert (settings.home / "ca.key").stat().st_mode & 0o777 == 0o600
    constraints = first.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.value.ca
    assert constraints.value.path_length == 0
