"""Commands in the server of an add-on, as the provider's own user, by the socket inside.

They go by standard input, the password among them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kedge_addons.errors import Away
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.redis.server import SOCKET
from kedge_addons.redis.users import ADMIN
from kedge_addons.resource import Resource

START_SECONDS = 45
LOOK_SECONDS = 0.1
# Not `--raw`: errors are told apart from answers; the exit status is 0 for both.
CLI = ("redis-cli", "--no-raw", "-s", SOCKET)
ERROR = "(error) "
WAITING = f"""for _ in $(seq {START_SECONDS * 40}); do
  [ "$(redis-cli -s {SOCKET} ping 2>/dev/null | cut -c1-6)" = NOAUTH ] && break
  sleep 0.025
done
exec "$@"
"""


class Loading(Away):
    """It reads what it kept, and answers when it has."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The server of one resource."""

    instances: Instances
    resource: Resource

    def run(self, *lines: str, wait: bool = False) -> str:
        """What the last of these commands answers; with `wait` of a server on its way up.

        Raises:
            Away: the server does not answer, or says no to one of them.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._once(lines, wait=wait)
            except Loading:
                if not wait or time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_SECONDS)

    def _once(self, lines: Sequence[str], *, wait: bool) -> str:
        command = ["bash", "-c", WAITING, "bash", *CLI] if wait else CLI
        signed_in = [f"AUTH {ADMIN} {self.resource.secrets['admin']}", *lines]
        given = "".join(f"{line}\n" for line in signed_in).encode()
        try:
            said = self.instances.run(self.resource.id, command, given, seconds=START_SECONDS + 15)
        except Failed as error:
            raise Away(f"Redis does not answer: {error.stderr.strip()[-300:]}") from error
        return _answer(said, len(lines))

    def info(self) -> dict[str, str]:
        """What the server tells of itself (`INFO`)."""
        pairs = (line.strip().partition(":") for line in self.run("INFO").splitlines())
        return {name: value for name, colon, value in pairs if colon}

    def wait_for(self, name: str, value: str, seconds: float) -> None:
        """Wait until `INFO` has this value. Raises Away."""
        deadline = time.monotonic() + seconds
        while self.info().get(name) != value:
            if time.monotonic() > deadline:
                raise Away(f"Redis takes too long: {name} is not {value} yet.")
            time.sleep(LOOK_SECONDS)


def _answer(said: str, commands: int) -> str:
    """The answer of the last command: one line for each before it, then it may have many."""
    answers = said.split("\n", commands)
    refused = [each for each in answers if each.startswith(ERROR)]
    if refused:
        words = refused[0].removeprefix(ERROR).strip()[:300]
        raise Loading(words) if words.startswith("LOADING") else Away(f"Redis refused: {words}")
    if len(answers) <= commands or not answers[-1].strip():
        raise Away("Redis does not answer.")
    return answers[-1].strip()
