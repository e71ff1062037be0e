"""One platform in containers for all tests here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from compose.composition import Composition, build_image, left_of, remove_the_dead
from system.installation import HELLO


@pytest.fixture(scope="module")
def platform():
    """A platform that runs; afterwards nothing of it is left."""
    remove_the_dead()
    build_image()
    made = Composition(Path(tempfile.mkdtemp(prefix="kdg-")))
    try:
        made.up()
        yield made
    finally:
        made.destroy()
    assert left_of(made.project) == []


@pytest.fixture(scope="module")
def app(platform, tmp_path_factory):
    """A small web app, pushed and answering; what a test changes of it stays so for the next."""
    made = platform.app(HELLO, tmp_path_factory.mktemp("app"))
    made.push()
    return made
