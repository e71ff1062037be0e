"""One platform in containers for all tests here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from compose.composition import Composition, build_image, left_of
from system.installation import HELLO


@pytest.fixture(scope="module")
def platform():
    """A platform that runs; afterwards nothing of it is left."""
    build_image()
    made = Composition(Path(tempfile.mkdtemp(prefix="kdg-")))
    try:
        made.up()
        yield made
    finally:
        made.destroy()
    assert left_of(made.project) == []


@pytest.fixture
def app(platform, tmp_path):
    """A small web app, pushed and answering."""
    made = platform.app(HELLO, tmp_path)
    made.push()
    yield made
    platform.api("DELETE", f"/apps/{made.name}")
