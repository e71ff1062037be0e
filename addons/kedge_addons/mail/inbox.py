"""An inbox as the provider asks it: by the program inside its container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kedge_addons.inside import Inside

NEWEST = 2**53


class Inbox(Inside):
    """The inbox of one resource. Every call raises Away: its server does not answer."""

    program = ("python3", "-P", "-m", "kedge_addons.mail.inside.asked")
    nothing = "There is no such letter. It was deleted, or made room."

    def page(self, search: str = "", before: int | None = None) -> Mapping[str, Any]:
        """`letters`, the newest first, whether it `has_more`, and the `usage` of the inbox."""
        place = None if before is None else min(before, NEWEST)
        return self.ask("page", search=search[:200], before=place)

    def show(self, number: int) -> Mapping[str, Any]:
        """A letter, taken apart. Raises Unknown."""
        return self.ask("show", id=number)

    def raw(self, number: int) -> Iterator[bytes]:
        """A letter as it came. Raises Unknown."""
        return self.pieces("raw", {"id": number})

    def part(self, number: int, part: int) -> Iterator[bytes]:
        """What is in a part of a letter, decoded. Raises Unknown."""
        return self.pieces("part", {"id": number, "number": part})

    def delete(self, number: int) -> None:
        """Remove a letter; nothing, when there is none."""
        self.ask("delete", id=number)

    def clear(self, until: int) -> None:
        """Remove all letters up to this one."""
        self.ask("clear", until=min(until, NEWEST))

    def usage(self) -> Mapping[str, int]:
        """`messages` and `size_bytes`."""
        return self.ask("usage")

    def allow(self, allowed: Sequence[Mapping[str, Any]]) -> None:
        """Let these send (`login`, `password`, `until`), and nobody else."""
        self.ask("credentials", allowed=list(allowed))
