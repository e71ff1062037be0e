"""Programs of ours inside servers: asked in JSON, they answer in JSON or by what is kept there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

from kedge_addons.errors import Unknown
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.resource import Resource

NOT_THERE = 4
"""The exit status of a program that has nothing of what it was asked for."""
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Inside:
    """The program in the server of one resource. Every call raises Away: it does not answer."""

    instances: Instances
    resource: Resource
    program: ClassVar[Sequence[str]]
    nothing: ClassVar[str]
    """What whoever asks is told when it is not there."""

    def ask(self, command: str, **asked: Any) -> dict[str, Any]:
        """Its answer. Raises Unknown."""
        found: dict[str, Any] = json.loads(b"".join(self.pieces(command, asked)))
        return found

    def pieces(
        self, command: str, asked: Mapping[str, Any], seconds: float = SECONDS
    ) -> Iterator[bytes]:
        """The answer as it comes; the first piece was waited for, so that Unknown comes now."""
        given = [json.dumps(asked).encode()]
        found = self.instances.stream(
            self.resource.id, [*self.program, command], given, seconds=seconds
        )
        try:
            first = next(found, b"")
        except Failed as failed:
            if failed.exit_status == NOT_THERE:
                raise Unknown(self.nothing) from None
            raise
        return chain([first], found)
