"""What contract tests stand on: the fake and the real one of each protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.lab import (
    FAKE_COMMANDS,
    Lab,
    docker_builds,
    docker_home,
    docker_lab,
    docker_runtime,
    shared_builder,
)
from kedge.engine.fakes import FakeRuntime, FakeSlugStore
from kedge.engine.protocols import SlugStore
from kedge.engine.slugs import DiskSlugStore

__all__ = ["docker_builds", "docker_home", "docker_lab", "docker_runtime", "shared_builder"]


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def lab(request: pytest.FixtureRequest) -> Lab:
    """The fake runtime and the real one, one after the other."""
    if request.param == "docker":
        return request.getfixturevalue("docker_lab")
    return Lab(FakeRuntime(), FakeSlugStore(), FAKE_COMMANDS)


@pytest.fixture(params=["fake", "disk"])
def slugs(request: pytest.FixtureRequest, tmp_path: Path) -> SlugStore:
    """The slug store in memory and the one on disk."""
    return FakeSlugStore() if request.param == "fake" else DiskSlugStore(tmp_path / "slugs")
