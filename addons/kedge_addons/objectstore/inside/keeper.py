"""What runs in a store's container: rclone with the keys of now, HAProxy before it, the quota.

STORE_FOLDER and STORE_BYTES are in its environment. Keys that change have rclone start anew, behind
another door: what comes meanwhile waits there, and what had begun ends with the one before. How
much is in the store is measured all the time, and HAProxy told what is free: it refuses uploads
that do not fit.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from kedge_addons.objectstore.inside.store import Store

RUN = Path("/run")
USAGE, SPACE, ADMIN = RUN / "usage.json", RUN / "space.map", RUN / "haproxy.sock"
LOOK_SECONDS = 1.0
MEASURE_SHARE = 20  # of the time, one part in so many is spent on measuring
END_SECONDS = 12.0
HOST, FIRST_PORT, QUEUE = "127.0.0.1", 9001, 1024
REST_SECONDS = 0.05
HANDED_FROM = 64  # beyond the descriptors they are moved to
CONNECTIONS, ESTABLISHED = Path("/proc/net/tcp"), "01"  # proc_net_tcp.txt of the kernel


class Keeper:
    """The servers of one store."""

    def __init__(self, store: Store, limit_bytes: int) -> None:
        self._store, self._limit_bytes = store, limit_bytes
        self._stopping = threading.Event()
        self._keys: list[tuple[str, str]] | None = None
        self._door: socket.socket | None = None
        self._rclone: subprocess.Popen[bytes] | None = None
        self._haproxy: subprocess.Popen[bytes] | None = None
        self._measure_at = 0.0

    def stop(self, *_: object) -> None:
        """End, as soon as what is asked for now is answered."""
        self._stopping.set()

    def keep(self) -> int:
        """Have both run until told to stop; 1 when one of them ended by itself."""
        self._store.objects.mkdir(parents=True, exist_ok=True)
        self._store.sweep()
        self._measure()
        self._haproxy = subprocess.Popen(["haproxy", "-db", "-f", "/data/haproxy.cfg"])
        ended = 0
        while not self._stopping.is_set():
            self._follow_keys()
            if any(each and each.poll() is not None for each in (self._haproxy, self._rclone)):
                ended = 1
                break
            if time.monotonic() >= self._measure_at:
                self._measure()
            self._stopping.wait(LOOK_SECONDS)
        _end(self._haproxy)
        _end(self._rclone)
        return ended

    def _follow_keys(self) -> None:
        keys = self._store.keys()
        if keys == self._keys:
            return
        self._keys, left = keys, self._door
        self._door = _door(0 if left else FIRST_PORT)
        if left:
            _tell(f"set server rclone/objects addr {HOST} port {_port(self._door)}\n")
            _come_to_rest(_port(left))
        _end(self._rclone)
        # Who was still on their way to the door before is served as well.
        doors = [self._door, left] if left else [self._door]
        # Without a key rclone would let everybody in: there is no server then.
        self._rclone = _serving(doors, keys) if keys else None
        if left:
            left.close()

    def _measure(self) -> None:
        began = time.monotonic()
        usage = self._store.usage()
        took = time.monotonic() - began
        self._measure_at = began + max(LOOK_SECONDS, took * MEASURE_SHARE)
        free = max(0, self._limit_bytes - usage["size_bytes"])
        _write(USAGE, json.dumps(usage))
        _write(SPACE, f"free {free}\n")
        if self._haproxy:
            _tell(f"set map {SPACE} free {free}\n")


def _door(port: int) -> socket.socket:
    """Where rclone will answer: who comes before it does waits there. Port 0 is any free one."""
    return socket.create_server((HOST, port), backlog=QUEUE)


def _port(door: socket.socket) -> int:
    number: int = door.getsockname()[1]
    return number


def _come_to_rest(port: int) -> None:
    """Wait until all that had begun behind a door has ended, or for as long as one waits."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        time.sleep(REST_SECONDS)
        rows = [line.split() for line in CONNECTIONS.read_text().splitlines()]
        if not any(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows):
            return


def _serving(doors: list[socket.socket], keys: list[tuple[str, str]]) -> subprocess.Popen[bytes]:
    """The S3 server with these keys, answering behind these doors.

    They are handed over by socket activation (sd_listen_fds(3)): the descriptors from 3 on, of the
    process whose number is told, which a shell knows before it becomes rclone.
    """
    handed = [fcntl.fcntl(door, fcntl.F_DUPFD, HANDED_FROM) for door in doors]
    moves = " ".join(f"{number}<&{each} {each}<&-" for number, each in enumerate(handed, 3))
    become = f'exec {moves}; LISTEN_FDS={len(handed)} LISTEN_PID=$$ exec "$@"'
    command = ["bash", "-c", become, "bash", *_rclone()]
    try:
        return subprocess.Popen(command, env=_environment(keys), pass_fds=handed)
    finally:
        for each in handed:
            os.close(each)


def _rclone() -> list[str]:
    return [
        "rclone", "serve", "s3", "objects:", "--config", "/data/rclone.conf",
        "--cache-dir", "/data/cache",
        "--multipart-streaming-buffer-limit", "32M", "--multipart-streaming-buffer-total", "64M",
        "--multipart-max-uploads", "100", "--buffer-size", "1M", "--max-header-bytes", "16384",
        "--dir-cache-time", "10s", "--log-level", "NOTICE",
    ]  # fmt: skip


def _environment(keys: list[tuple[str, str]]) -> dict[str, str]:
    """Keys go by the environment: arguments are for everybody to read."""
    listed = ",".join(f'"{key},{secret}"' for key, secret in keys)
    return {**os.environ, "RCLONE_AUTH_KEY": listed, "HOME": "/run"}


def _write(file: Path, text: str) -> None:
    written = file.with_suffix(".new")
    written.write_text(text)
    written.replace(file)


def _tell(command: str) -> None:
    """Tell HAProxy (https://docs.haproxy.org/3.0/management.html); it may be on its way yet."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(LOOK_SECONDS)
        try:
            admin.connect(str(ADMIN))
            admin.sendall(command.encode())
            admin.recv(1024)
        except OSError as error:
            print(f"HAProxy was not told: {error}", file=sys.stderr)  # noqa: T201


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    """Keep the store of this container."""
    keeper = Keeper(Store(Path(os.environ["STORE_FOLDER"])), int(os.environ["STORE_BYTES"]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.stop)
    return keeper.keep()


if __name__ == "__main__":
    sys.exit(main())
