"""A network of its own for the browser, with one way out.

Chromium breaks off every connection when any interface of its machine comes or goes
(net::ERR_NETWORK_CHANGED), and each container started or stopped beside a test is such a change.
So it runs in a network namespace with nothing but loopback, and reaches this machine's loopback
through SOCKS 5 (RFC 1928) spoken over a Unix socket, which is no part of any network.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shlex
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

PORT = 1080
ARGUMENTS = [f"--proxy-server=socks5://127.0.0.1:{PORT}", "--proxy-bypass-list=<-loopback>"]
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SET_FLAGS, INTERFACE_UP = 0x8914, 0x1
REFUSED = b"\5\5\0\1" + bytes(6)
DONE = b"\5\0\0\1" + bytes(6)


class WayOut:
    """The end of the way on this machine's side; `program` starts a browser at the other."""

    def __init__(self, folder: Path, browser: str) -> None:
        self.program = folder / "browser"
        self._socket = folder / "way-out.sock"
        self._loop = asyncio.new_event_loop()
        words = [sys.executable, str(Path(__file__).resolve()), str(self._socket), browser]
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        self.program.chmod(0o700)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._loop.run_until_complete(asyncio.start_unix_server(_passed_on, self._socket))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_forever()


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection by SOCKS 5; every name is this machine's loopback, as *.localhost is."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        methods = await reader.readexactly(2)
        await reader.readexactly(methods[1])
        writer.write(b"\5\0")
        kind = (await reader.readexactly(4))[3]
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        await reader.readexactly(size)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(REFUSED)
        else:
            writer.write(DONE)
            await asyncio.gather(_copied(reader, back), _copied(there, writer))
    writer.close()


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await source.read(65536):
            sink.write(part)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.close()


def _secluded() -> None:
    """Moves this process into a network of its own, with loopback up. Raises OSError."""
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", INTERFACE_UP))


async def _relayed(way_out: str, browser: subprocess.Popen[bytes]) -> int:
    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(way_out)
        await asyncio.gather(_copied(reader, back), _copied(there, writer))

    async with await asyncio.start_server(carried, "127.0.0.1", PORT, backlog=512):
        return await asyncio.to_thread(browser.wait)


def main(way_out: str, *command: str) -> int:
    """Runs a browser in a network of its own, its standard files and pipes passed on."""
    _secluded()
    # Playwright speaks with its browser over descriptors 3 and 4.
    with subprocess.Popen([*command, *ARGUMENTS], close_fds=False) as browser:
        return asyncio.run(_relayed(way_out, browser))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
