"""The variables every part is started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kedge.home import postgres, redis
from kedge.home.installation import MARKER, OWN_HOSTS, Installation
from kedge.settings import environment as set_variables
from kedge.settings import variable_of

# Named in the Procfile, so they are there also where nobody set them.
ALWAYS = ("web_threads", "log_level")


def of_parts(installation: Installation, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the parts inherit: our own environment, all settings, and where everything is."""
    settings = installation.settings
    always = {variable_of(name): str(getattr(settings, name)) for name in ALWAYS}
    # Without compiled modules each part would start slower and take 10 MB more.
    inherited = {k: v for k, v in inherited.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        **always,
        **set_variables(settings),
        MARKER: installation.id,
        "KEDGE_RUN_DIR": str(installation.run_dir),
        "DATABASE_URL": postgres.url(installation),
        "REDIS_URL": redis.url(installation),
        "PATH": _path(inherited),
        # Threads get an arena each otherwise, and none of them ever shrinks.
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
        # A part's title may not take the place of its variables, by which it is known (orphans.py).
        "SPT_NOENV": "1",
    }


def of_router(installation: Installation, gateways: Sequence[str]) -> dict[str, str]:
    """The router's variables. `gateways` are more addresses to listen on: the dyno network's."""
    settings = installation.settings
    every = settings.bind in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    addresses = [settings.bind, *([] if every else gateways)]
    names = [settings.domain, "localhost", "127.0.0.1", *gateways]
    return {
        "KEDGE_ROUTER_DIR": str(installation.router_dir),
        "KEDGE_ROUTER_HTTP_BINDS": _binds(addresses, settings.http_port),
        "KEDGE_ROUTER_HTTPS_BINDS": _binds(addresses, settings.https_port),
        "KEDGE_ROUTER_CERTS": str(installation.router_dir / "certs"),
        "KEDGE_ROUTER_PLATFORM_HOSTS": ",".join(dict.fromkeys(_platform_hosts(names))),
        "KEDGE_ROUTER_PLATFORM_BACKEND": f"unix@{installation.web_socket}",
        "KEDGE_ROUTER_SLOTS": str(settings.router_slots),
    }


def _platform_hosts(names: Sequence[str]) -> list[str]:
    own = [f"{host}.{names[0]}" for host in OWN_HOSTS]
    return [*names, *own]


def _binds(addresses: Sequence[str], port: int) -> str:
    return ",".join(f"{address}:{port}" for address in addresses)


def _path(inherited: Mapping[str, str]) -> str:
    """PATH with our own programs first and the system's last (Debian's users lack /usr/sbin)."""
    own = str(Path(sys.executable).parent)
    known = inherited.get("PATH", os.defpath)
    return os.pathsep.join([own, known, "/usr/local/sbin", "/usr/sbin", "/sbin"])
