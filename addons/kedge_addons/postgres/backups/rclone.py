"""rclone as a program that runs: it speaks S3 for us (https://rclone.org/s3/).

It comes with its Python package, uploads in parts what comes by a pipe, and checks every part. Its
keys go by its environment, which no other account may read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from kedge_addons.postgres.backups.store import PIECE_BYTES, StoreFailed

NOT_FOUND = (3, 4)  # its exit statuses: directory and file not found
SAID_BYTES = 8192
SAID_CHARACTERS = 240
# What it needs of our environment; the rest, with our secrets, is none of its business.
HANDED_ON = ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
             "http_proxy", "https_proxy", "no_proxy",
             "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")  # fmt: skip
OPTIONS = ("--config", os.devnull, "--retries", "1", "--contimeout", "10s", "--timeout", "60s")


class Rclone:
    """One run of it. It has ended with the block; what it complained of is kept for who asks."""

    def __init__(self, *words: str, env: Mapping[str, str], reads: bool = False) -> None:
        handed = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [program(), *words, *OPTIONS],
            env={**handed, **env},
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self.process.wait()
        self._listener.join()

    def give(self, pieces: Iterable[bytes]) -> int:
        """Its input; how many bytes. Raises StoreFailed: it ended before."""
        stdin: IO[bytes] = self.process.stdin  # type: ignore[assignment]
        sent = 0
        for piece in pieces:
            try:
                stdin.write(piece)
            except BrokenPipeError:
                self.process.wait()
                self._listener.join()
                raise StoreFailed(f"The upload broke off: {self.said}") from None
            sent += len(piece)
        return sent

    def output(self) -> Iterator[bytes]:
        """What it writes, piece by piece."""
        stdout: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        while piece := stdout.read(PIECE_BYTES):
            yield piece

    @property
    def found_nothing(self) -> bool:
        """Whether it ended because there is no such file."""
        return self.process.returncode in NOT_FOUND

    def check(self) -> None:
        """Raises StoreFailed unless it ended well."""
        if self.process.returncode != 0:
            raise StoreFailed(f"The bucket cannot be used: {self.said}")

    @property
    def said(self) -> str:
        """The last thing it complained of."""
        lines = self._said.decode(errors="replace").strip().splitlines()
        last = (lines or ["without a word"])[-1].rpartition("last error was: ")[2]
        return last if len(last) <= SAID_CHARACTERS else f"… {last[-SAID_CHARACTERS:]}"

    def _listen(self) -> None:
        stderr: IO[bytes] = self.process.stderr  # type: ignore[assignment]
        for line in stderr:
            self._said += line
            del self._said[:-SAID_BYTES]


def program() -> str:
    """Where it is: beside this Python, where its package put it, or on the PATH."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone") or "rclone"
