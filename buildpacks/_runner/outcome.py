"""result.json: what a build came to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _runner.layers import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A build's end. `reason` is None when it succeeded."""

    reason: str | None = None
    description: str = ""
    buildpacks: list[dict[str, str]] = field(default_factory=list)
    process_types: dict[str, str] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    largest: list[tuple[str, int]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The form the engine reads."""
        return {
            "status": "failed" if self.reason else "succeeded",
            "reason": self.reason,
            "description": self.description,
            "buildpacks": self.buildpacks,
            "process_types": self.process_types,
            "layers": [
                {
                    "kind": layer.kind,
                    "digest": layer.digest,
                    "bytes": layer.bytes,
                    "compressed_bytes": layer.compressed_bytes,
                    "path": layer.path,
                }
                for layer in self.layers
            ],
            "largest": [list(item) for item in self.largest],
        }

    def write(self, out: Path) -> None:
        """Write the file in one piece: a reader sees all of it or nothing."""
        part = out / "result.json.part"
        part.write_text(json.dumps(self.as_json(), indent=1))
        part.replace(out / "result.json")
