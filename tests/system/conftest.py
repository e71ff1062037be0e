"""One platform for all system tests of a session; each test has apps of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from system.installation import HELLO, Installation

pytestmark = pytest.mark.docker


@pytest.fixture(scope="session")
def platform():
    """A running platform."""
    made = Installation(Path(tempfile.mkdtemp(prefix="kdg-")))
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def new_app(platform, tmp_path):
    """Makes apps that are gone after the test."""
    made = []

    def make(files=HELLO, name=None):
        app = platform.app(files, tmp_path, name)
        made.append(app)
        return app

    yield make
    for app in made:
        platform.api("DELETE", f"/apps/{app.name}")
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def app(new_app):
    """A small web app, pushed and answering."""
    made = new_app()
    made.push()
    return made
