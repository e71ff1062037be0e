"""What a build shows whoever waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from kedge.ops import outputs
from kedge.ops.services import Services
from kedge.scrub import Scrubber


class Screen:
    """The output of a build: scrubbed of config values, kept, and live."""

    def __init__(self, services: Services, output_id: uuid.UUID, config: Mapping[str, str]) -> None:
        self._services, self._output_id, self._config = services, output_id, config
        self._scrubber = Scrubber(config)

    def show(self, payload: bytes) -> None:
        """Show some output."""
        self._write(self._scrubber.feed(payload))

    def flush(self) -> None:
        """Show what was held back."""
        self._write(self._scrubber.flush())

    def scrubbed(self, words: str) -> str:
        """Words as they may be shown anywhere else: in the log, as a reason."""
        own = Scrubber(self._config)
        return (own.feed(words.encode("utf-8", "replace")) + own.flush()).decode("utf-8", "replace")

    def _write(self, clean: bytes) -> None:
        if clean:
            outputs.write(self._services, self._output_id, clean)
