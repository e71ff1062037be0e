"""TLS without anybody's help: a certificate authority of the platform's own, and what it signs.

`ca.pem` in the home is what a client trusts (`SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`,
`curl --cacert`). HAProxy serves `router/certs/default.pem` where no better certificate is known,
and the rendezvous of attached one-off dynos uses the same file.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kedge.engine.protocols.machine import Certificate
from kedge.home.installation import OWN_HOSTS, write_private
from kedge.settings import Settings

AUTHORITY_DAYS = 3650
# Apple's clients refuse one that is valid for more than 825 days (support.apple.com/103769).
SERVER_DAYS = 397
RENEW_DAYS = 60

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate and key everything else is signed with."""

    certificate: x509.Certificate
    key: Key


def authority(home: Path) -> Authority:
    """The home's authority, made when there is none: `ca.pem`, and `ca.key` (0600)."""
    certificate_file, key_file = home / "ca.pem", home / "ca.key"
    if not (certificate_file.exists() and key_file.exists()):
        made = _new_authority()
        write_private(key_file, _pem_of_key(made.key))
        write_private(certificate_file, _pem_of(made.certificate))
        certificate_file.chmod(0o644)
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it above
    return Authority(x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)


def issue(home: Path, names: Sequence[str], *, days: int = SERVER_DAYS) -> str:
    """A server certificate for these hosts and addresses, its chain and its key, as one PEM."""
    signer = authority(home)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(names[0], signer.certificate.subject, key, days)
        .add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_signed_by(signer), critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return _pem_of(certificate) + _pem_of(signer.certificate) + _pem_of_key(key)


def default_names(settings: Settings) -> list[str]:
    """What the platform itself is called: its domain, the hosts below it, and this machine."""
    # OpenSSL follows no wildcard right below a top-level name such as `localhost`.
    hosts = [*OWN_HOSTS, "*"]
    names = [settings.domain, *(f"{host}.{settings.domain}" for host in hosts), "localhost"]
    names += [*(f"{host}.localhost" for host in hosts), "127.0.0.1", "::1"]
    if settings.bind not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        names.append(settings.bind)
    return list(dict.fromkeys(names))


def default_path(home: Path) -> Path:
    """Where the platform's own certificate lies: chain and key in one file, as HAProxy wants it."""
    return home / "router" / "certs" / "default.pem"


def ensure_default(settings: Settings, now: dt.datetime | None = None) -> bool:
    """Issue the platform's own certificate where it is missing, near its end or for other names.

    Returns whether a new one was written.
    """
    path, names = default_path(settings.home), default_names(settings)
    if path.exists() and _is_good(path, settings.home, names, now or dt.datetime.now(dt.UTC)):
        return False
    write_private(path, issue(settings.home, names))
    return True


def expires_at(path: Path) -> dt.datetime:
    """When the (first) certificate in the file ends."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def described(path: Path) -> Certificate:
    """The (first) certificate in the file. Raises OSError or ValueError."""
    read = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(each.value) for each in found]
    except x509.ExtensionNotFound:
        names = []
    common = read.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    issuer = str(common[0].value) if common else read.issuer.rfc4514_string()
    return Certificate(tuple(names), issuer, read.not_valid_after_utc)


def _is_good(path: Path, home: Path, names: Sequence[str], now: dt.datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    signer = authority(home)
    key_id = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return (
        list(found) == [_general(name) for name in names]
        and key_id == _signed_by(signer)
        and certificate.not_valid_after_utc - now > dt.timedelta(days=RENEW_DAYS)
    )


def _new_authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Kedge certificate authority")
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder("Kedge certificate authority", name, key, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _builder(subject: str, issuer: x509.Name, key: Key, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # a client's clock may be behind
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed_by(signer: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())


def _name(common: str) -> x509.Name:
    # It takes 64 characters (RFC 5280, upper bounds); clients read the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_of_key(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
