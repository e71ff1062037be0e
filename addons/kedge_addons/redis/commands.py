"""Commands in the server of an add-on, as the provider's own user, by the socket inside.

They go by standard input, the password among them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from kedge_addons.errors import Away
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.redis.server import SOCKET
from kedge_addons.redis.users import ADMIN
from kedge_addons.resource import Resource

START_SECONDS = 45
LOOK_SECONDS = 0.1
# It says LOADING while it reads what it kept.
WAITING = f"""for _ in $(seq {START_SECONDS * 40}); do
  [ "$(redis-cli -s {SOCKET} ping 2>/dev/null | cut -c1-6)" = NOAUTH ] && break
  sleep 0.025
done
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Commands:
    """The server of one resource."""

    instances: Instances
    resource: Resource

    def run(self, *lines: str, wait: bool = False) -> str:
        """What the last of these commands answers; with `wait` of a server on its way up.

        Raises:
            Away: the server does not answer, or says no.
        """
        command = ["redis-cli", "-s", SOCKET, "-e"]
        if wait:
            command = ["bash", "-c", WAITING, "bash", *command]
        signed_in = [f"AUTH {ADMIN} {self.resource.secrets['admin']}", *lines]
        given = "".join(f"{line}\n" for line in signed_in).encode()
        try:
            answer = self.instances.run(
                self.resource.id, command, given, seconds=START_SECONDS + 15.0
            )
        except Failed as error:
            said = error.stderr.strip().splitlines() or ["without a word"]
            raise Away(f"Redis refused: {said[-1][:300]}") from error
        # One line for each command before the last, which may have many.
        return answer.split("\n", len(lines))[-1].strip()

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
