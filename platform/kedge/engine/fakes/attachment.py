"""The streams of a fake dyno."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from kedge.engine.protocols import Container, OutputLine


class Dyno(Protocol):
    """What an attachment sees of a dyno."""

    @property
    def lines(self) -> Sequence[OutputLine]:
        """What it wrote."""

    @property
    def seen(self) -> Container:
        """Its state."""


class Runs(Protocol):
    """What an attachment needs of the runtime."""

    @property
    def dynos(self) -> Mapping[str, Dyno]:
        """All dynos."""

    def feed(self, runtime_id: str, payload: bytes | None) -> None:
        """Put bytes on a dyno's standard input; None ends it."""

    def wait(self) -> None:
        """Wait a moment for anything to change."""


class FakeAttachment:
    """The streams of a fake dyno."""

    def __init__(self, runtime: Runs, runtime_id: str) -> None:
        self._runtime = runtime
        self._runtime_id = runtime_id
        self._told = 0
        self._closed = False
        self.size: tuple[int, int] | None = None

    def send(self, payload: bytes) -> None:
        """Write to the dyno's standard input."""
        self._runtime.feed(self._runtime_id, payload)

    def close_stdin(self) -> None:
        """End of the dyno's standard input."""
        self._runtime.feed(self._runtime_id, None)

    def receive(self) -> bytes:
        """The next line the dyno wrote, b"" at the end."""
        dyno = self._runtime.dynos.get(self._runtime_id)
        while dyno is not None and not self._closed:
            ended = dyno.seen.status == "exited"
            if self._told < len(dyno.lines):
                self._told += 1
                return dyno.lines[self._told - 1].text.encode() + b"\n"
            if ended:
                break
            self._runtime.wait()
        return b""

    def resize(self, columns: int, lines: int) -> None:
        """Remember the size."""
        self.size = (columns, lines)

    def close(self) -> None:
        """Let go of the streams."""
        self._closed = True
