"""An inbox as the provider asks it: by the program inside its container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kedge_addons.errors import Unknown
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.resource import Resource

PROGRAM = ("python3", "-P", "-m", "kedge_addons.mail.inside.asked")
NO_LETTER = 4
NEWEST = 2**53
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Inbox:
    """The inbox of one resource. Every call raises Away: its server does not answer."""

    instances: Instances
    resource: Resource

    def page(self, search: str = "", before: int | None = None) -> Mapping[str, Any]:
        """`letters`, the newest first, whether it `has_more`, and the `usage` of the inbox."""
        place = None if before is None else min(before, NEWEST)
        return self._ask("page", search=search[:200], before=place)

    def show(self, number: int) -> Mapping[str, Any]:
        """A letter, taken apart. Raises Unknown."""
        return self._ask("show", id=number)

    def raw(self, number: int) -> Iterator[bytes]:
        """A letter as it came. Raises Unknown."""
        return self._pieces("raw", {"id": number})

    def part(self, number: int, part: int) -> Iterator[bytes]:
        """What is in a part of a letter, decoded. Raises Unknown."""
        return self._pieces("part", {"id": number, "number": part})

    def delete(self, number: int) -> None:
        """Remove a letter; nothing, when there is none."""
        self._ask("delete", id=number)

    def clear(self, until: int) -> None:
        """Remove all letters up to this one."""
        self._ask("clear", until=min(until, NEWEST))

    def usage(self) -> Mapping[str, int]:
        """`messages` and `size_bytes`."""
        return self._ask("usage")

    def allow(self, allowed: Sequence[Mapping[str, Any]]) -> None:
        """Let these send (`login`, `password`, `until`), and nobody else."""
        self._ask("credentials", allowed=list(allowed))

    def _ask(self, command: str, **asked: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(b"".join(self._pieces(command, asked)))
        return found

    def _pieces(self, command: str, asked: Mapping[str, Any]) -> Iterator[bytes]:
        """The answer, of which the first piece was waited for, so that errors come now."""
        given = [json.dumps(asked).encode()]
        pieces = self.instances.stream(
            self.resource.id, [*PROGRAM, command], given, seconds=SECONDS
        )
        try:
            first = next(pieces, b"")
        except Failed as failed:
            if failed.exit_status == NO_LETTER:
                raise Unknown("There is no such letter. It was deleted, or made room.") from None
            raise
        return _chained(first, pieces)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
