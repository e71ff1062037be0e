"""Every setting of Kedge: its environment variable, default, unit and meaning, once.

`docs/settings.md` is tested against `describe()`. Settings are read once at the start of a process
and never change in it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kedge.errors import StartRefused

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
# Variables by which an environment names its CA bundle, the most general first.
HOST_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def _setting(default: Any, meaning: str, *, env: str | None = None) -> Any:
    """A field of Settings; `env` only where the variable is not KEDGE_<NAME>."""
    return field(default=default, metadata={"meaning": meaning, "env": env})


def default_home() -> Path:
    """Where an installation lies when nobody says: /var/lib/kedge for root, else ~/.kedge."""
    return Path("/var/lib/kedge") if os.geteuid() == 0 else Path.home() / ".kedge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration of one installation."""

    home: Path = _setting(
        None, "Folder of the installation. Default `/var/lib/kedge` as root, else `~/.kedge`."
    )
    bind: str = _setting(
        "127.0.0.1", "Address the router listens on; a public server sets `0.0.0.0`."
    )
    http_port: int = _setting(8080, "Port for HTTP: API, git and apps.")
    https_port: int = _setting(8443, "Port for HTTPS: API, git and apps.")
    rendezvous_port: int = _setting(
        0, "Port for attached one-off dynos (`kedge run`), TLS. 0: one above the HTTPS port."
    )
    domain: str = _setting("localhost", "Apps answer at APP.DOMAIN.")
    owner_email: str = _setting(
        "", "E-mail of the owner made at the first start. Default `owner@DOMAIN`."
    )
    drain_seconds: int = _setting(
        30, "How long requests in flight may take to end before an old dyno is stopped, in seconds."
    )
    boot_seconds: int = _setting(
        60, "How long a web dyno may take to bind $PORT and answer (R10 after that), in seconds."
    )
    kill_seconds: int = _setting(
        30, "How long processes may take to end after SIGTERM before SIGKILL (R12), in seconds."
    )
    database_url: str = _setting(
        "", "PostgreSQL to use instead of a private server.", env="DATABASE_URL"
    )
    redis_url: str = _setting("", "Redis to use instead of a private server.", env="REDIS_URL")
    docker_host: str = _setting("", "Docker engine to use.", env="DOCKER_HOST")
    ca_bundle: str = _setting(
        "",
        "CA bundle file mounted into builds and dynos with the usual variables. Default: the one the environment names, `none` for none.",
    )
    secret_key: str = _setting(
        "",
        "Key that encrypts config vars at rest: 32 bytes, base64. Default: one made in the home.",
    )
    stack_run_image: str = _setting("kedge/run:kedge-13", "Image dynos run in.")
    stack_build_image: str = _setting("kedge/build:kedge-13", "Image builds run in.")
    stack_addons_image: str = _setting(
        "kedge/addons:kedge-13", "Image the servers of the built-in add-ons run in."
    )
    build_concurrency: int = _setting(2, "Builds that run at the same time, of different apps.")
    build_seconds: int = _setting(900, "How long one build may take, in seconds.")
    build_memory_mb: int = _setting(2048, "Memory one build may use, in MB.")
    build_cpus: float = _setting(
        0.0, "Processors one build may use. 0: one less than there are, at least one."
    )
    build_pids: int = _setting(1024, "Processes and threads one build may have.")
    slug_limit_mb: int = _setting(500, "Largest compressed slug, in MB.")
    source_limit_mb: int = _setting(2048, "Largest source archive or push, in MB.")
    source_private: bool = _setting(
        False,
        "Let source_blob.url name private addresses (a Git server on your own network), and add-on providers private addresses and this machine. Builds never ask this machine; nothing asks link-local addresses.",
    )
    backups_url: str = _setting(
        "",
        "Bucket that backups of Postgres add-ons are kept in, `s3://KEY:SECRET@HOST[:PORT]/BUCKET[/FOLDER][?region=…&tls=no]`. Default: the folder `backups` of the home.",
    )
    log_limit_mb: int = _setting(16, "Log lines kept for each app, in MB.")
    output_days: int = _setting(
        90, "How long the output of builds and release commands is kept, in days. 0: for ever."
    )
    output_newest: int = _setting(
        50, "Outputs of builds and release commands kept for each app however old they are."
    )
    event_days: int = _setting(
        365, "How long the audit log of changes is kept, in days. 0: for ever."
    )
    network_pool: str = _setting(
        "10.210.0.0/16,10.211.0.0/16,172.30.0.0/16",
        "Ranges the dyno network is chosen from, as a /20 that overlaps nothing.",
    )
    router_slots: int = _setting(
        256, "Apps with dynos the router has room for before it grows by a reload."
    )
    web_threads: int = _setting(
        256,
        "Requests of API and git served at the same time. Half of them may be log tails and others that last, a quarter (32 at most) pushes and fetches; further ones get a 503.",
    )
    release_seconds: int = _setting(3600, "How long a release command may run, in seconds.")
    stop_dynos: bool = _setting(False, "Stop the dynos too when Kedge stops.")
    log_level: str = _setting(
        "info", "How much the parts write to their own logs: debug, info, warning, error."
    )

    @property
    def images(self) -> tuple[str, ...]:
        """The images `make stack` makes, which the engine must have."""
        return self.stack_run_image, self.stack_build_image, self.stack_addons_image

    @property
    def push_places(self) -> int:
        """How many pushes and fetches may be at it at the same time."""
        return max(1, min(32, self.web_threads // 4))

    @property
    def stream_places(self) -> int:
        """How many answers that last (log tails, output, roll-outs) may be open together."""
        return max(1, self.web_threads // 2)

    @property
    def run_dir(self) -> Path:
        """Folder of sockets: in the home, or a short one elsewhere when the home's path is too long.

        A unix socket's path takes at most 107 bytes (`man 7 unix`).
        """
        inside = self.home / "run"
        if len(str(inside)) <= 60:
            return inside
        short = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        base = Path("/run") if os.geteuid() == 0 else Path("/tmp")  # noqa: S108 - the folder is made 0700
        return base / f"kedge-{short}"

    @property
    def rendezvous_port_in_use(self) -> int:
        """The port attached one-off dynos are reached at."""
        return self.rendezvous_port or self.https_port + 1

    @property
    def owner(self) -> str:
        """E-mail of the installation's owner."""
        return self.owner_email or f"owner@{self.domain}"

    @property
    def platform_url(self) -> str:
        """Where the platform itself answers by HTTP, as those outside of it are told."""
        port = "" if self.http_port == 80 else f":{self.http_port}"
        return f"http://{self.domain}{port}"

    def url_of(self, app_name: str) -> str:
        """Where an app answers by HTTP."""
        port = "" if self.http_port == 80 else f":{self.http_port}"
        return f"http://{app_name}.{self.domain}{port}/"

    @property
    def host_ca_bundle(self) -> Path | None:
        """The CA bundle builds and dynos get, if any: the set one, else the environment's."""
        if self.ca_bundle == "none":
            return None
        named = self.ca_bundle or next(
            (os.environ[v] for v in HOST_CA_VARIABLES if os.environ.get(v)), ""
        )
        return Path(named) if named and Path(named).is_file() else None


def variable_of(name: str) -> str:
    """The environment variable of a setting: `http_port` → `KEDGE_HTTP_PORT`."""
    declared = next(f for f in fields(Settings) if f.name == name)
    return declared.metadata["env"] or f"KEDGE_{name.upper()}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        StartRefused: a value cannot be read as the setting's type.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for declared in fields(Settings):
        raw = environ.get(variable_of(declared.name), "")
        if raw != "":
            values[declared.name] = _parse(declared.name, str(declared.type), raw)
    values.setdefault("home", default_home())
    return Settings(**values)


def _parse(name: str, kind: str, raw: str) -> Any:
    try:
        return _READERS.get(kind, str)(raw)
    except ValueError:
        reason = f"{variable_of(name)}={raw!r} is not a {kind}."
        raise StartRefused(reason, f"Set {variable_of(name)} to a {kind}, or unset it.") from None


def _truth(raw: str) -> bool:
    return raw.lower() in TRUE_WORDS


def _path(raw: str) -> Path:
    return Path(raw).expanduser().absolute()


_READERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": _truth,
    "Path": _path,
}


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make another process load exactly these settings."""
    found: dict[str, str] = {}
    for declared in fields(Settings):
        value = getattr(settings, declared.name)
        if value != declared.default:
            found[variable_of(declared.name)] = "1" if value is True else str(value)
    return found


def describe() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the documents and `kedge up --help`."""
    return [
        (variable_of(f.name), "" if f.default is None else str(f.default), f.metadata["meaning"])
        for f in fields(Settings)
    ]
