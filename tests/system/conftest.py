"""One platform for all system tests, gone after the last of them; each test has its own apps."""

from __future__ import annotations

import shutil

import pytest

import memory
from system.installation import HELLO, Installation

pytestmark = pytest.mark.docker
QUICK = {
    "KEDGE_BOOT_SECONDS": "5",
    "KEDGE_KILL_SECONDS": "2",
    "KEDGE_DRAIN_SECONDS": "2",
    "KEDGE_BUILD_SECONDS": "20",
    "KEDGE_BUILD_MEMORY_MB": "160",
    "KEDGE_SLUG_LIMIT_MB": "12",
}


@pytest.fixture(scope="package")
def platform():
    """A running platform, which asks add-on providers on this machine."""
    made = Installation(memory.folder("kdg-"), {"KEDGE_SOURCE_PRIVATE": "1"})
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture(scope="package")
def quick_platform():
    """A platform whose times are short and whose limits are low, for what runs into them."""
    made = Installation(memory.folder("kdg-"), QUICK)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def new_app(platform, tmp_path):
    """Makes apps that are gone after the test."""
    yield from apps_of(platform, tmp_path)


@pytest.fixture
def quick_app(quick_platform, tmp_path):
    """Makes apps of the platform with short times and low limits."""
    yield from apps_of(quick_platform, tmp_path / "quick")


def apps_of(platform, folder):
    """Yields a maker of apps once, and ends them afterwards."""
    made = []

    def make(files=HELLO, name=None):
        app = platform.app(files, folder, name)
        made.append(app)
        return app

    yield make
    for app in made:
        platform.api("DELETE", f"/apps/{app.name}")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def app(new_app):
    """A small web app, pushed and answering."""
    made = new_app()
    made.push()
    return made


@pytest.fixture(scope="package")
def _standing():
    """The apps that stand, the newest last."""
    return []


@pytest.fixture
def standing_app(platform, _standing, tmp_path_factory):
    """As `app`, but one for all tests that leave it as it is; another once one did not."""
    if not _standing or not is_as_pushed(_standing[-1]):
        made = platform.app(HELLO, tmp_path_factory.mktemp("standing"))
        made.push()
        _standing.append(made)
    return _standing[-1]


def is_as_pushed(app):
    """Whether nothing but its first push happened to an app."""
    return len(app.releases()) == 3 and app.get().text == "Hello one web.1 v3"
