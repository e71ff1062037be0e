"""A store as the provider asks it: by the program inside its container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kedge_addons.errors import Away
from kedge_addons.execution import Failed
from kedge_addons.inside import Inside

DOWNLOAD_SECONDS = 3600.0
# Behind HAProxy the S3 server itself has to answer, so the request looks like a signed one.
LET_IN = r"""for _ in $(seq 400); do
  (exec 3<>/dev/tcp/127.0.0.1/9000 &&
    printf 'HEAD / HTTP/1.0\r\nAuthorization: none\r\n\r\n' >&3 &&
    read -r -t 10 said <&3 && [[ $said != *" 50"* ]]) 2>/dev/null && exit 0
  sleep 0.05
done
exit 1
"""


class Objects(Inside):
    """The store of one resource. Every call raises Away: its server does not answer."""

    program = ("python3", "-P", "-m", "kedge_addons.objectstore.inside.asked")
    nothing = "There is nothing of this name."

    def list_(self, path: str, after: str = "") -> Mapping[str, Any]:
        """`entries` directly below a path, whether it `has_more`, and the `usage` of the store.

        Raises:
            Unknown: there is no such folder.
        """
        return self.ask("list", path=path[:2000], after=after[:1000])

    def content(self, path: str) -> Iterator[bytes]:
        """What is in an object. Raises Unknown."""
        return self.pieces("object", {"path": path[:2000]}, DOWNLOAD_SECONDS)

    def usage(self) -> Mapping[str, int]:
        """`objects` and `size_bytes`, of a moment ago."""
        return self.ask("usage")

    def let_in(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Let these in (`id`, `secret`, `until`) within a few seconds, and nobody else."""
        self.ask("keys", keys=list(keys))

    def wait(self) -> None:
        """Wait until it serves."""
        try:
            self.instances.run(self.resource.id, ["bash", "-c", LET_IN], seconds=30)
        except Failed as error:
            raise Away("The object store does not serve yet.") from error
