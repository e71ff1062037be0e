"""A store as the provider asks it: by the program inside its container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kedge_addons.errors import Away, Unknown
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.resource import Resource

PROGRAM = ("python3", "-P", "-m", "kedge_addons.objectstore.inside.asked")
NOT_THERE = 4
SECONDS = 20.0
DOWNLOAD_SECONDS = 3600.0
LET_IN = """for _ in $(seq 400); do
  (exec 3<>/dev/tcp/127.0.0.1/9001 4<>/dev/tcp/127.0.0.1/9000) 2>/dev/null && exit 0
  sleep 0.05
done
exit 1
"""


@dataclass(frozen=True, slots=True)
class Objects:
    """The store of one resource. Every call raises Away: its server does not answer."""

    instances: Instances
    resource: Resource

    def list_(self, path: str, after: str = "") -> Mapping[str, Any]:
        """`entries` directly below a path, whether it `has_more`, and the `usage` of the store.

        Raises:
            Unknown: there is no such folder.
        """
        return self._ask("list", path=path[:2000], after=after[:1000])

    def content(self, path: str) -> Iterator[bytes]:
        """What is in an object. Raises Unknown."""
        return self._pieces("object", {"path": path[:2000]}, DOWNLOAD_SECONDS)

    def usage(self) -> Mapping[str, int]:
        """`objects` and `size_bytes`, of a moment ago."""
        return self._ask("usage")

    def let_in(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Let these in (`id`, `secret`, `until`) within a few seconds, and nobody else."""
        self._ask("keys", keys=list(keys))

    def wait(self) -> None:
        """Wait until it serves."""
        try:
            self.instances.run(self.resource.id, ["bash", "-c", LET_IN], seconds=30)
        except Failed as error:
            raise Away("The object store does not serve yet.") from error

    def _ask(self, command: str, **asked: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(b"".join(self._pieces(command, asked, SECONDS)))
        return found

    def _pieces(self, command: str, asked: Mapping[str, Any], seconds: float) -> Iterator[bytes]:
        """The answer, of which the first piece was waited for, so that errors come now."""
        given = [json.dumps(asked).encode()]
        pieces = self.instances.stream(
            self.resource.id, [*PROGRAM, command], given, seconds=seconds
        )
        try:
            first = next(pieces, b"")
        except Failed as failed:
            if failed.exit_status == NOT_THERE:
                raise Unknown("There is nothing of this name.") from None
            raise
        return _chained(first, pieces)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
