"""What runs in a store's container: rclone with the keys of now, HAProxy before it, the quota.

STORE_FOLDER and STORE_BYTES are in its environment. Keys that change have rclone start anew;
HAProxy lets requests wait for it meanwhile. How much is in the store is measured all the time, and
HAProxy told what is free: it refuses uploads that do not fit.
"""

from __future__ import annotations

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


class Keeper:
    """The servers of one store."""

    def __init__(self, store: Store, limit_bytes: int) -> None:
        self._store, self._limit_bytes = store, limit_bytes
        self._stopping = threading.Event()
        self._keys: list[tuple[str, str]] | None = None
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
        _end(self._rclone)
        self._keys = keys
        # Without a key rclone would let everybody in: there is no server then.
        self._rclone = subprocess.Popen(_rclone(), env=_environment(keys)) if keys else None

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


def _rclone() -> list[str]:
    return [
        "rclone", "serve", "s3", "objects:", "--config", "/data/rclone.conf",
        "--cache-dir", "/data/cache", "--addr", "127.0.0.1:9001",
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
            print(f"HAProxy was not told what is free: {error}", file=sys.stderr)  # noqa: T201


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
