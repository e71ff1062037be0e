"""The launcher: writes what HAProxy starts from and becomes HAProxy.

HAProxy runs as master and worker (`-W`). The master is the supervised process: when it is killed
its workers see the closed pipe and exit by themselves, when a worker dies the master exits too. A
lock they all inherit makes the next start wait for the last of them. Routes are in force from the
first request on, because the rendered configuration holds the saved map: the agent need not run.
"""

import fcntl
import os
import resource
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from . import durable
from .certificates import repair
from .journal import say
from .map import RouteMap
from .render import LOG_FD, render
from .settings import Settings

DESCRIPTORS_APART = 600
"""Open files beside clients' and dynos' connections: listeners, pipes, the runtime API."""

LOG_PIPE_BYTES = 1024 * 1024
"""What any account may ask for; some 2,000 lines."""


def launch(settings: Settings) -> NoReturn:
    """Become HAProxy, with the map as last saved in force."""
    make_folders(settings)
    os.dup2(open_log(settings), LOG_FD)  # before the lock is opened, or it could be at this number
    os.set_inheritable(LOG_FD, True)
    hold_lock(settings.haproxy_lock, inheritable=True)
    _refresh_files(settings)
    master = f"{settings.master_socket},mode,600"
    words = [settings.haproxy, "-q", "-W", "-db", "-S", master, "-f", str(settings.config_path)]
    os.execvp(settings.haproxy, words)  # noqa: S606 - a list of words, no shell


def _refresh_files(settings: Settings) -> None:
    """Write what HAProxy starts from; on a full disk it starts from what it had.

    The agent then brings it to the map, which was saved before it was acknowledged.
    """
    try:
        if settings.https_binds:
            repair(settings)
        write_files(settings, RouteMap.load(settings.map_path, settings.slots))
    except OSError as error:
        if not settings.config_path.exists():
            raise
        say("haproxy.files_kept", reason=error)


def make_folders(settings: Settings) -> None:
    """Make the folders the router writes to, for its own account alone."""
    for folder in (settings.dir, settings.dir / "maps", settings.dir / "pages"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def hold_lock(path: Path, *, inheritable: bool = False) -> None:
    """Hold `path` locked as long as this process lives, and those that inherit it.

    So HAProxy starts only when no process of the one before is left, whatever it died of, and
    there is one agent at a time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, inheritable)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("lock.waiting", path=path, reason="another process still works in this folder")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def write_files(settings: Settings, route_map: RouteMap) -> None:
    """Write the configuration, maps and pages for `route_map`."""
    for name, content in render(within_limits(settings), route_map).items():
        durable.write(settings.dir / name, content, sync=False)  # made again at every start


def within_limits(settings: Settings) -> Settings:
    """The settings with `maxconn` lowered to what the limit on open files allows.

    HAProxy refuses to start otherwise; each client's connection may need one to a dyno.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return settings
    possible = max((hard - DESCRIPTORS_APART) // 2, 100)
    return replace(settings, maxconn=min(settings.maxconn, possible))


def open_log(settings: Settings) -> int:
    """The pipe for access lines, open at both ends.

    HAProxy 2.6 spins at a full core when nobody listens on its log's socket. A named pipe that the
    writer itself holds open for reading has no such state: with no agent it takes a megabyte, then
    HAProxy drops lines and counts them, and the agent reads that count.
    """
    if not settings.log_fifo.is_fifo():
        settings.log_fifo.unlink(missing_ok=True)
        os.mkfifo(settings.log_fifo, 0o600)
    descriptor = os.open(settings.log_fifo, os.O_RDWR | os.O_NONBLOCK)
    with suppress(OSError):  # an account's pipes together may be limited to less
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, LOG_PIPE_BYTES)
    return descriptor
