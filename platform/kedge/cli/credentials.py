"""What `kedge login` keeps: one token per platform, in a file only its owner can read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedge.cli.failure import CommandFailed


@dataclass(frozen=True, slots=True)
class Login:
    """Being signed in to one platform."""

    url: str
    token: str
    email: str
    ca_file: Path | None


def folder() -> Path:
    """Where the credentials lie: `$XDG_CONFIG_HOME/kedge`, else `~/.config/kedge`."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "kedge"


def of(url: str) -> Login | None:
    """The login at that URL, if there is one."""
    kept = _load()["platforms"].get(url)
    if kept is None:
        return None
    ca_file = Path(kept["ca"]) if kept.get("ca") else None
    return Login(url, kept["token"], kept.get("email", ""), ca_file)


def current_url() -> str | None:
    """The platform signed in to last."""
    url: str | None = _load()["current"]
    return url


def keep(url: str, token: str, email: str, ca_pem: bytes | None) -> None:
    """Remember a login; it becomes the current one. The CA is copied, so that it may move."""
    ca_file = None
    if ca_pem is not None:
        ca_file = folder() / "ca" / (url.split("//")[1].replace(":", "_") + ".pem")
        _write(ca_file, ca_pem)
    kept = _load()
    kept["platforms"][url] = {
        "token": token, "email": email, "ca": str(ca_file) if ca_file else None
    }  # fmt: skip
    kept["current"] = url
    _store(kept)


def forget(url: str) -> bool:
    """Drop the login at that URL. Out: whether there was one."""
    kept = _load()
    if kept["platforms"].pop(url, None) is None:
        return False
    if kept["current"] == url:
        kept["current"] = next(iter(kept["platforms"]), None)
    _store(kept)
    return True


def _file() -> Path:
    return folder() / "credentials.json"


def _load() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(_file().read_text("utf-8"))
    except FileNotFoundError:
        return {"platforms": {}, "current": None}
    except ValueError:
        raise CommandFailed(
            f"{_file()} cannot be read as JSON.", "Remove it and sign in again: `kedge login URL`."
        ) from None
    return {"platforms": kept.get("platforms", {}), "current": kept.get("current")}


def _store(kept: dict[str, Any]) -> None:
    _write(_file(), json.dumps(kept, indent=2).encode() + b"\n")


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing of it, readable for its owner from the first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
