"""How far a transfer is, said while it goes on; and whether it is still wanted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from kedge_addons.postgres.backups.transfers import Transfers

SECONDS = 1.0


class Canceled(Exception):
    """Somebody wants the transfer no more."""


class Progress:
    """Of one transfer."""

    def __init__(self, transfers: Transfers, transfer_id: uuid.UUID) -> None:
        self._transfers, self._id = transfers, transfer_id

    def say(self, message: str | None = None, **facts: Any) -> None:
        """Write down what was reached. Raises Canceled."""
        if not self._transfers.keep(self._id, says=message, **facts):
            raise Canceled

    def metered(self, pieces: Iterable[bytes], fact: str) -> Iterator[bytes]:
        """The same pieces; how many bytes they were is written down once a second.

        Raises:
            Canceled: between two of them.
        """
        done, told_at = 0, time.monotonic()
        for piece in pieces:
            yield piece
            done += len(piece)
            if time.monotonic() - told_at > SECONDS:
                told_at = time.monotonic()
                self._reached(fact, done)
        self._reached(fact, done)

    def _reached(self, fact: str, size_bytes: int) -> None:
        facts: dict[str, Any] = {fact: size_bytes}
        self.say(**facts)
