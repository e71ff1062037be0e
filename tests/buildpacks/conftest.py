"""The buildpacks' packages, made importable as they are in a build."""

import shutil
import sys
from pathlib import Path

import pytest

BUILDPACKS = Path(__file__).resolve().parents[2] / "buildpacks"

for folder in (
    BUILDPACKS,
    BUILDPACKS / "python/lib",
    BUILDPACKS / "nodejs/lib",
    BUILDPACKS / "static/lib",
    BUILDPACKS / "static/server",
):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture(scope="session")
def stack():
    """The stack's images, made if this machine lacks them."""
    from buildpacks.builder import ADDONS_IMAGE, BUILD_IMAGE, RUN_IMAGE
    from kedge.stack import build_images

    return build_images(
        emit=lambda _: None,
        run_tag=RUN_IMAGE,
        build_tag=BUILD_IMAGE,
        addons_tag=ADDONS_IMAGE,
        docker_host=None,
    )


@pytest.fixture(scope="module")
def builder(stack):
    """Builds of one app after another in one volume, so that downloads are shared."""
    from buildpacks.builder import Builder

    made = Builder()
    yield made
    made.close()


@pytest.fixture
def fresh_builder(stack):
    """Builds in a volume nobody has used."""
    from buildpacks.builder import Builder

    made = Builder()
    yield made
    made.close()


@pytest.fixture
def source(tmp_path):
    """A function that writes a source: an app of tests/apps, and files by name over it."""
    from buildpacks.places import APPS

    def write(app=None, files=None):
        folder = tmp_path / "source"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(APPS / app, folder) if app else folder.mkdir()
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder

    return write
