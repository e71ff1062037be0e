"""Which platform a command speaks to, and with which token.

The first of these decides: `--url`, KEDGE_URL, the home on this machine, the credentials of
`kedge login`. The token is KEDGE_API_KEY, HEROKU_API_KEY, the credentials for that URL, or the
home's, and the home's goes to the home's own addresses only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kedge.cli import credentials
from kedge.cli.failure import CommandFailed

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """A platform: its URL without a final slash, the token, and the CA file it is trusted by."""

    url: str
    token: str | None
    ca_file: Path | None
    home: Path | None = None
    is_known: bool = False
    """Whether the URL is the home's or that of a login, not only one somebody named."""

    @property
    def host(self) -> str:
        """The host of the URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether the URL is https."""
        return self.url.startswith("https:")


def find(url: str | None = None) -> Target:
    """The platform to speak to.

    Raises:
        CommandFailed: there is none: no URL, no home, no login.
    """
    named = url or os.environ.get("KEDGE_URL")
    home = _home()
    if not named and home is not None:
        named = _home_urls(home)[0]
    named = named or credentials.current_url()
    if not named:
        raise CommandFailed(
            "There is no platform to speak to: Kedge was not started on this machine, "
            "and nobody is signed in to another.",
            "Start one here with `kedge up`, or sign in to one with `kedge login URL`.",
        )
    return at(normal(named), home)


def at(url: str, home: Path | None) -> Target:
    """The platform at a normal URL, with what is known of it here."""
    home = home if home is not None and url in _home_urls(home) else None
    login = credentials.of(url)
    token = os.environ.get("KEDGE_API_KEY") or os.environ.get("HEROKU_API_KEY")
    token = token or (login.token if login else None) or (_home_token(home) if home else None)
    return Target(url, token, _ca_file(login, home), home, is_known=bool(login or home))


def home_here() -> Path | None:
    """The home of the installation on this machine, if there is one."""
    return _home()


def normal(url: str) -> str:
    """The URL as it is kept and compared: scheme, host, port.

    `*.localhost` becomes `localhost`: the C library does not resolve the former, and the router
    listens on the same address.

    Raises:
        CommandFailed: it is no http or https URL.
    """
    parts = urlsplit(url if "//" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandFailed(f"{url!r} is not a URL of a platform.", "Try http://localhost:8080.")
    host = "localhost" if parts.hostname.endswith(".localhost") else parts.hostname
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _home() -> Path | None:
    """The home on this machine when it has been started once: then it has a token."""
    from kedge.settings import default_home  # not needed with a URL given

    named = os.environ.get("KEDGE_HOME")
    home = Path(named).expanduser().absolute() if named else default_home()
    try:
        return home if (home / "token").exists() else None
    except PermissionError:  # somebody else's installation
        return None


def _home_urls(home: Path) -> list[str]:
    """The addresses of the home's platform: the one `up` wrote down, then the settings' ports."""
    from kedge import settings

    declared = settings.load()
    ports = [("http", declared.http_port), ("https", declared.https_port)]
    urls = [f"{scheme}://{host}:{port}" for scheme, port in ports for host in sorted(LOOPBACK)[1:]]
    urls.sort(key=lambda url: "localhost" not in url)
    written = _read(home / "url")
    return [normal(written), *urls] if written else urls


def _home_token(home: Path) -> str | None:
    return _read(home / "token")


def _read(path: Path) -> str | None:
    """What a small file of the home holds; None when it is not there or empty."""
    try:
        return path.read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None
    except PermissionError:
        raise CommandFailed(
            f"{path} belongs to somebody else.",
            "Run kedge as the account that started the platform, or sign in: `kedge login URL`.",
        ) from None


def _ca_file(login: credentials.Login | None, home: Path | None) -> Path | None:
    """The CA to trust besides nothing else: KEDGE_CA, the login's, the home's."""
    named = os.environ.get("KEDGE_CA")
    candidates = [
        Path(named) if named else None,
        login.ca_file if login else None,
        home / "ca.pem" if home else None,
    ]
    return next((path for path in candidates if path is not None and path.is_file()), None)
