"""What the router is told by its environment, read once at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .errors import SettingsError

SOCKET_PATH_BYTES = 107
"""The longest path a unix socket may have on Linux (`sun_path`, less the closing NUL)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One router's settings; every field is the variable `KEDGE_ROUTER_<FIELD>` in capitals.

    Raises:
        SettingsError: from `from_environ`, naming the variable and what it should look like.
    """

    dir: Path
    """State, rendered configuration and sockets; its path must be short, sockets live in it."""
    http_binds: tuple[str, ...] = ("127.0.0.1:8080",)
    https_binds: tuple[str, ...] = ()
    certs: Path | None = None
    """Folder of certificates; `default.pem` must be there before the start if HTTPS is served."""
    platform_hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    """Host names and addresses that are the platform's own: API, git, dashboard."""
    platform_backend: str = "127.0.0.1:5000"
    """Where the platform listens: `unix@/path/to.sock` or `host:port`."""
    slots: int = 256
    """Backends declared in advance, one per app; doubled by a lossless reload when all are used."""
    threads: int = 1
    """One serves 30,000 requests a second and logs each; two threads that write to the log at the
    same moment make HAProxy drop a line (counted), and its races around servers need two."""
    maxconn: int = 8000
    """Concurrent client connections; lowered at start to what the limit on open files allows."""
    first_byte_seconds: int = 30
    """How long an app may take to begin its answer (H12)."""
    idle_seconds: int = 55
    """How long a begun answer or a websocket may stay silent (H15)."""
    connect_seconds: int = 5
    """How long a dyno may take to accept a connection (H19)."""
    quarantine_seconds: float = 10.0
    """How long a drained server stays quiet in maintenance before HAProxy forgets it."""
    log_buffer_bytes: int = 4 * 1024 * 1024
    """Access lines held in memory for readers; older ones are dropped and counted as lost."""
    haproxy: str = "haproxy"
    """The program, as found on PATH."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings in `environ`; only the folder has no default."""
        given = {
            key.removeprefix("KEDGE_ROUTER_").lower(): value
            for key, value in environ.items()
            if key.startswith("KEDGE_ROUTER_") and value
        }
        if "dir" not in given:
            raise SettingsError("KEDGE_ROUTER_DIR is not set: name the folder the router works in.")
        values = {
            name: PARSERS[name](f"KEDGE_ROUTER_{name.upper()}", text)
            for name, text in given.items()
            if name in PARSERS
        }
        settings = cls(**values)  # type: ignore[arg-type]
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what HAProxy or the kernel would refuse later with fewer words."""
        if len(os.fsencode(self.master_socket)) > SOCKET_PATH_BYTES - 12:  # room for a temporary
            raise SettingsError(f"KEDGE_ROUTER_DIR is too long for unix sockets: {self.dir}")
        if any(blank in str(path) for path in (self.dir, self.certs_dir) for blank in " \t\n"):
            raise SettingsError(f"KEDGE_ROUTER_DIR and _CERTS cannot have a blank: {self.dir}")
        if self.https_binds and self.certs is None:
            raise SettingsError("KEDGE_ROUTER_CERTS is not set, but HTTPS addresses are.")

    @property
    def config_path(self) -> Path:
        """HAProxy's configuration as last rendered."""
        return self.dir / "haproxy.cfg"

    @property
    def map_path(self) -> Path:
        """The route map as last acknowledged."""
        return self.dir / "map.json"

    @property
    def admin_socket(self) -> Path:
        """The current worker's runtime API."""
        return self.dir / "admin.sock"

    @property
    def master_socket(self) -> Path:
        """The master's own API: reload, and a way to workers that are finishing."""
        return self.dir / "master.sock"

    @property
    def agent_socket(self) -> Path:
        """Where the agent's HTTP API listens."""
        return self.dir / "agent.sock"

    @property
    def log_fifo(self) -> Path:
        """The pipe HAProxy writes its access lines into."""
        return self.dir / "log.fifo"

    @property
    def dropped_path(self) -> Path:
        """How many of a worker's log lines are known to be lost."""
        return self.dir / "dropped.json"

    @property
    def agent_lock(self) -> Path:
        """Held by the one agent that may write."""
        return self.dir / "agent.lock"

    @property
    def haproxy_lock(self) -> Path:
        """Held by HAProxy's master and all its workers."""
        return self.dir / "haproxy.lock"

    @property
    def crt_list(self) -> Path:
        """HAProxy's list of certificates and the host names each is for."""
        return self.certs_dir / "crt-list.txt"

    @property
    def certs_dir(self) -> Path:
        """The folder of certificates, given or the default within `dir`."""
        return self.certs or self.dir / "certs"


def _words(_name: str, text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _path(_name: str, text: str) -> Path:
    return Path(text).absolute()


def _text(_name: str, text: str) -> str:
    return text


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"{name} must be a whole number above zero, not {text!r}.")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"{name} must be a number of seconds, not {text!r}.") from error


PARSERS = {
    "dir": _path,
    "http_binds": _words,
    "https_binds": _words,
    "certs": _path,
    "platform_hosts": _words,
    "platform_backend": _text,
    "slots": _count,
    "threads": _count,
    "maxconn": _count,
    "first_byte_seconds": _count,
    "idle_seconds": _count,
    "connect_seconds": _count,
    "quarantine_seconds": _seconds,
    "log_buffer_bytes": _count,
    "haproxy": _text,
}
