"""The private Redis server: a unix socket, nothing on disk.

It carries what may be lost: the task queue's wake-ups and the live tail of logs. So it keeps no
file, and when its memory is full it forgets what was to expire anyway, never a task.
"""

from __future__ import annotations

import shutil
from urllib.parse import quote

from kedge.errors import StartRefused
from kedge.home.installation import Installation, write_private

MEMORY_MB = 128


def url(installation: Installation) -> str:
    """The Redis to use: the one given, else the private server's."""
    socket = quote(str(installation.redis_socket), safe="/")
    return installation.settings.redis_url or f"unix://{socket}"


def program() -> str:
    """The server's program.

    Raises:
        StartRefused: none is installed.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise StartRefused(
            "No Redis server is installed on this machine.",
            "Run `make setup`, or install the Debian package redis-server, or set REDIS_URL.",
        )
    return found


def prepare(installation: Installation) -> list[str]:
    """Write the server's configuration; the command that runs it. Raises as `program`."""
    found = program()
    config = installation.run_dir / "redis.conf"
    write_private(config, render(installation))
    return [found, str(config)]


def render(installation: Installation) -> str:
    """The server's configuration."""
    return "\n".join([
        "daemonize no",
        "port 0",
        f'unixsocket "{installation.redis_socket}"',
        "unixsocketperm 700",
        f'pidfile "{installation.run_dir / "redis.pid"}"',
        f'dir "{installation.run_dir}"',
        'save ""',
        "appendonly no",
        f"maxmemory {MEMORY_MB}mb",
        "maxmemory-policy volatile-lru",
        "databases 4",
        "",
    ])  # fmt: skip
