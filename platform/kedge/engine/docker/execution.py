"""A command inside a running dyno: the `Execution` of the protocols, as an exec of the engine's.

The engine has no signal for an exec and none for what it started, so each carries a mark in its
environment, which all its children inherit; it is by that mark that they are found and signalled.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress

import docker.errors

from kedge.engine.docker.attach import Streams
from kedge.engine.docker.client import Engine, status_of, translated
from kedge.engine.docker.dyno import BOOT, DYNO_USER
from kedge.errors import EngineRefused

MARK = "KEDGE_INSIDE"
GONE = frozenset({404, 409})  # no such container; it does not run (any more)
# The engine says that an exec has ended a moment after its streams have.
END_SECONDS = 5.0
LOOK_SECONDS = 0.05
HANG_UP = r"""
signal() {
  found=1
  for folder in /proc/[0-9]*; do
    if grep -qzx "$2" "$folder/environ" 2>/dev/null; then
      kill "-$1" "${folder#/proc/}" 2>/dev/null && found=0
    fi
  done
  return $found
}
signal HUP "$1"
for _ in $(seq "$2"); do
  sleep 1
  signal 0 "$1" || exit 0
done
signal KILL "$1"
"""


class DockerExecution:
    """One command inside one container; its streams are there from `start` on."""

    def __init__(
        self, engine: Engine, runtime_id: str, command: str, env: Mapping[str, str], *, tty: bool
    ) -> None:
        self._engine, self._runtime_id, self._tty = engine, runtime_id, tty
        self._mark = f"{MARK}={secrets.token_hex(8)}"
        self._streams: Streams | None = None
        self._id = self._made(["bash", "-c", BOOT, "bash", command], env)

    def start(self) -> None:
        """Start it. Raises EngineRefused: the dyno has ended meanwhile."""
        with translated("start a command inside a dyno", refusable=True):
            try:
                answer = self._engine.api.exec_start(self._id, tty=self._tty, socket=True)
            except docker.errors.APIError as error:
                raise _refused(error) from error
        self._streams = Streams(answer, tty=self._tty)

    def send(self, payload: bytes) -> None:
        """Write to the command's standard input."""
        if self._streams:
            self._streams.send(payload)

    def close_stdin(self) -> None:
        """End of the command's standard input."""
        if self._streams:
            self._streams.close_stdin()

    def receive(self) -> bytes:
        """The next bytes the command wrote, b"" at the end."""
        return self._streams.receive() if self._streams else b""

    def resize(self, columns: int, lines: int) -> None:
        """Tell the command's terminal its size."""
        if not self._tty:
            return
        with translated("resize a terminal"), suppress(docker.errors.APIError):  # at its end
            self._engine.api.exec_resize(self._id, lines, columns)

    def close(self) -> None:
        """Let go of the streams; the command goes on."""
        if self._streams:
            self._streams.close()

    def exit_status(self) -> int | None:
        """The command's exit status; None while it runs, and when its dyno has ended first."""
        deadline = time.monotonic() + END_SECONDS
        while True:
            with translated("see how a command inside a dyno ended"):
                try:
                    state = self._engine.api.exec_inspect(self._id)
                except docker.errors.NotFound:
                    return None
            if not state["Running"]:
                return None if state["ExitCode"] is None else int(state["ExitCode"])
            if time.monotonic() > deadline:
                return None
            time.sleep(LOOK_SECONDS)

    def hang_up(self, kill_seconds: int) -> None:
        """Send SIGHUP to the command and what it started, and later SIGKILL. Gone is fine."""
        command = ["bash", "-c", HANG_UP, "bash", self._mark, str(kill_seconds)]
        api = self._engine.api
        with translated("hang up a command inside a dyno"):
            try:
                made = api.exec_create(self._runtime_id, command, user=DYNO_USER)
                api.exec_start(made["Id"], detach=True)
            except docker.errors.APIError as error:
                if status_of(error) not in GONE:
                    raise

    def _made(self, command: list[str], env: Mapping[str, str]) -> str:
        name, _, value = self._mark.partition("=")
        with translated("run a command inside a dyno", refusable=True):
            try:
                made = self._engine.api.exec_create(
                    self._runtime_id,
                    command,
                    stdin=True,
                    tty=self._tty,
                    user=DYNO_USER,
                    workdir="/app",
                    environment={**env, name: value},
                )
            except docker.errors.APIError as error:
                raise _refused(error) from error
        return str(made["Id"])


def _refused(error: docker.errors.APIError) -> Exception:
    """What a dyno that does not run any more is refused with; else the error as it is."""
    if status_of(error) in GONE:
        return EngineRefused("The dyno does not run any more.")
    return error
