"""Certificates: kept in a folder for restarts, taken by HAProxy at run time without a reload."""

import re
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import durable
from .app import HOST
from .errors import Invalid, NotFound, Unavailable
from .journal import say
from .runtime import Worker
from .settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
DEFAULT = "default"
"""The platform's own certificate, for every host without one."""
PEM_BYTES = 16_000


def repair(settings: Settings) -> None:
    """Write the list HAProxy starts from, without certificates that would stop its start.

    Raises:
        NotFound: there is no default certificate.
    """
    entries = _entries(settings)
    sound = {name: hosts for name, hosts in entries.items() if _loads(_pem(settings, name))}
    for name in entries.keys() - sound.keys():
        say("certificate.left_out", name=name, reason="missing, or key and chain do not match")
    if DEFAULT not in sound:
        raise NotFound(f"{_pem(settings, DEFAULT)} must hold a certificate chain and its key.")
    _write_list(settings, sound)


class Certificates:
    """The certificates of one router. Key material is never logged and never in an error."""

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self.settings = settings
        self.worker = worker

    def put(self, name: str, body: object) -> None:
        """Serve `hosts` of `body` with the chain and key in its `pem`, now and after restarts.

        Raises:
            Invalid: HAProxy does not accept the PEM; the one before stays in force.
            Unavailable: HAProxy is not there.
        """
        pem, hosts = _parse(name, body)
        path = _pem(self.settings, name)
        self._load(path, pem, new=str(path) not in self.worker.ask("show ssl cert").split())
        durable.write(path, pem)
        self._list(name, hosts)

    def remove(self, name: str) -> None:
        """Serve the hosts of `name` with the default certificate again.

        Raises:
            NotFound: there is no such certificate.
            Invalid: it is the default one.
        """
        entries = _entries(self.settings)
        if name == DEFAULT:
            raise Invalid("The default certificate can be replaced, not removed.")
        if name not in entries:
            raise NotFound(f"There is no certificate {name}.")
        path = _pem(self.settings, name)
        lines = [f"del ssl crt-list {entry}" for entry in self._listed(path)]
        self._expect_silence([*lines, f"del ssl cert {path}"])
        _write_list(self.settings, {key: hosts for key, hosts in entries.items() if key != name})
        durable.remove(path)

    def _load(self, path: Path, pem: str, *, new: bool) -> None:
        """Put the PEM into HAProxy's memory; it takes effect as a whole or not at all."""
        if new:
            self.worker.ask(f"new ssl cert {path}")
        answers = self.worker.ask(f"set ssl cert {path} <<\n{pem}\n")
        answers += self.worker.ask(f"commit ssl cert {path}")
        if "Success!" in answers:
            return
        self.worker.ask(f"abort ssl cert {path}")
        if new:
            self.worker.ask(f"del ssl cert {path}")
        raise Invalid(
            "HAProxy refused the certificate: the PEM must hold the chain, leaf first, and the "
            "private key that belongs to it, unencrypted."
        )

    def _list(self, name: str, hosts: tuple[str, ...]) -> None:
        """Add the new list entry before the old ones go, so its hosts are never without."""
        entries = _entries(self.settings)
        if name != DEFAULT and entries.get(name) != hosts:
            path = _pem(self.settings, name)
            before = self._listed(path)
            entry = f"add ssl crt-list {self.settings.crt_list} <<\n{_line(path, hosts)}\n"
            if "Success!" not in (answer := self.worker.ask(entry)):
                raise Unavailable(f"HAProxy did not list the certificate: {answer.strip()}")
            self._expect_silence([f"del ssl crt-list {entry}" for entry in before])
        _write_list(self.settings, {**entries, name: hosts})

    def _listed(self, path: Path) -> list[str]:
        """HAProxy's list entries for `path`, as `del ssl crt-list` takes them."""
        listing = self.worker.ask(f"show ssl crt-list -n {self.settings.crt_list}")
        return [
            f"{self.settings.crt_list} {line.split()[0]}"
            for line in listing.splitlines()
            if line.startswith(f"{path}:")
        ]

    def _expect_silence(self, commands: Iterable[str]) -> None:
        for command in commands:
            answer = self.worker.ask(command).strip()
            if "deleted" not in answer:
                raise Unavailable(f"HAProxy did not forget a certificate: {answer}")


def _parse(name: str, body: object) -> tuple[str, tuple[str, ...]]:
    if not NAME.fullmatch(name):
        raise Invalid(f"A certificate's name must match {NAME.pattern}.")
    match body:
        case {"pem": str(pem), "hosts": list(hosts)} if pem.isascii():
            pass
        case _:
            raise Invalid("A certificate needs pem (chain and key as text) and hosts (list).")
    if not all(isinstance(host, str) and HOST.fullmatch(host) for host in hosts):
        raise Invalid("The hosts of a certificate are lower-case names, or '*.' before one.")
    text = "\n".join(line.strip() for line in pem.splitlines() if line.strip()) + "\n"
    if len(text) > PEM_BYTES:
        raise Invalid(f"The certificate is longer than {PEM_BYTES} bytes: send chain and key only.")
    if name != DEFAULT and not hosts:
        raise Invalid("A certificate without hosts would serve nobody: name its hosts.")
    return text, tuple(sorted(set(hosts)))


def _pem(settings: Settings, name: str) -> Path:
    return settings.certs_dir / f"{name}.pem"


def _line(path: Path, hosts: Iterable[str]) -> str:
    return " ".join([str(path), *hosts])


def _entries(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Names and hosts on the list as saved; the default certificate always, and first."""
    entries: dict[str, tuple[str, ...]] = {DEFAULT: ()}
    for path, hosts in _saved_lines(settings.crt_list):
        entries[path.stem] = hosts
    return entries


def _saved_lines(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for line in lines:
        pem, *hosts = line.split()
        yield Path(pem), tuple(hosts)


def _write_list(settings: Settings, entries: dict[str, tuple[str, ...]]) -> None:
    lines = [_line(_pem(settings, name), hosts) for name, hosts in entries.items()]
    durable.write(settings.crt_list, "\n".join(lines) + "\n")


def _loads(path: Path) -> bool:
    """Whether chain and key at `path` can be read and belong together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except (OSError, ssl.SSLError):
        return False
    return True
