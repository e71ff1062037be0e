"""What the engine asks the runner to build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One build. Times are unix seconds; `known_layers` are digests the engine has already."""

    app: str
    stack: str
    buildpacks: tuple[str, ...]
    source_version: str
    commit_time: int
    slug_limit_bytes: int
    known_layers: frozenset[str]


def read_request(path: Path) -> BuildRequest:
    """The request in build.json."""
    fields = json.loads(path.read_text())
    return BuildRequest(
        app=fields["app"],
        stack=fields["stack"],
        buildpacks=tuple(fields["buildpacks"]),
        source_version=fields["source_version"] or "",
        commit_time=max(int(fields["commit_time"]), 0),
        slug_limit_bytes=int(fields["slug_limit_bytes"]),
        known_layers=frozenset(fields["known_layers"]),
    )


def stack_title(stack: str) -> str:
    """`kedge-13` as it is shown: `Kedge-13`."""
    return stack[:1].upper() + stack[1:]
