"""Builds, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from kedge.engine.protocols.slugs import SlugImage


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """One build to run. `source` is a checked, plain tar without a leading folder."""

    build_id: UUID
    app_id: UUID
    app_name: str
    stack: str
    buildpacks: tuple[str, ...]
    source: Path
    source_version: str
    commit_time: int
    env: Mapping[str, str] = field(repr=False)
    known_layers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a successful build made; its layers are in the slug store."""

    slug: SlugImage
    process_types: Mapping[str, str]
    description: str
    buildpacks: tuple[Mapping[str, str], ...]


class Builder(Protocol):
    """Runs buildpacks in a container with budgets."""

    def build(
        self, spec: BuildSpec, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> Built:
        """Run one build; `emit` gets its output as it comes, `cancelled` is asked every second.

        Raises:
            BuildFailed, BuildCancelled, BuildOutOfMemory, BuildOutOfTime, SlugTooLarge: with
                words for the pusher.
            RuntimeDown: the engine went away.
        """

    def sweep(self, running: Callable[[], Collection[UUID]]) -> None:
        """End containers of builds that do not run (their worker died).

        Which do is asked once the containers are known: a build has its lease before it has one.
        """

    def forget_cache(self, app_id: UUID) -> None:
        """Drop the build cache of an app."""
