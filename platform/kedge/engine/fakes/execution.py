"""A command inside a fake dyno: a script of a few words, like a fake dyno's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from kedge.engine.fakes.attachment import Runs
from kedge.errors import EngineRefused

HUNG_UP = 129


class FakeExecution:
    """An `Execution` whose steps are `echo WORDS`, `env NAME`, `cat`, `exit STATUS` and `hang`."""

    def __init__(
        self, runtime: Runs, runtime_id: str, command: str, env: Mapping[str, str], *, tty: bool
    ) -> None:
        self._runtime, self._runtime_id = runtime, runtime_id
        self.command, self.env, self.tty = command, dict(env), tty
        self.size: tuple[int, int] | None = None
        self._written: deque[bytes] = deque()
        self._status: int | None = None
        self._copies = self._closed = False
        self._check()

    def start(self) -> None:
        """Run the script as far as it goes."""
        self._check()
        for step in self.command.split("; "):
            word, _, rest = step.partition(" ")
            if not self._step(word, rest):
                return
        self._status = 0

    def send(self, payload: bytes) -> None:
        """Write to the command's standard input, which `cat` copies."""
        if self._copies:
            self._written.append(payload)

    def close_stdin(self) -> None:
        """End of the command's standard input: `cat` ends with it."""
        if self._copies:
            self._status = 0

    def receive(self) -> bytes:
        """The next the command wrote, b"" at the end."""
        while not self._closed:
            if self._written:
                return self._written.popleft()
            if self._status is not None or not self._runs():
                break
            self._runtime.wait()
        return b""

    def resize(self, columns: int, lines: int) -> None:
        """Remember the size."""
        self.size = (columns, lines)

    def close(self) -> None:
        """Let go of the streams."""
        self._closed = True

    def exit_status(self) -> int | None:
        """The command's exit status; None while it runs, and when its dyno has ended first."""
        return self._status

    def hang_up(self, kill_seconds: int) -> None:  # noqa: ARG002 - it ends at once
        """End the command."""
        self._status = HUNG_UP if self._status is None else self._status

    def _step(self, word: str, rest: str) -> bool:
        if word == "echo":
            self._written.append(f"{rest}\n".encode())
        elif word == "env":
            self._written.append(f"{self.env.get(rest, '')}\n".encode())
        elif word == "exit":
            self._status = int(rest)
        elif word == "cat":
            self._copies = True
        return word in {"echo", "env"}

    def _runs(self) -> bool:
        dyno = self._runtime.dynos.get(self._runtime_id)
        return dyno is not None and dyno.seen.status == "running"

    def _check(self) -> None:
        if not self._runs():
            raise EngineRefused("The dyno does not run any more.")
