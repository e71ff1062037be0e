"""What every builder keeps to."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contract.builds import BuildLab
from kedge.engine.fakes import FakeBuilder, FakeSlugStore
from kedge.errors import BuildCancelled

SOURCE = {"Procfile": "web: python app.py\nworker: python worker.py\n", "app.py": "pass"}


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def builds(request: pytest.FixtureRequest, tmp_path: Path) -> BuildLab:
    """The fake builder and the real one."""
    if request.param == "docker":
        lab: BuildLab = request.getfixturevalue("docker_builds")
        return lab
    slugs = FakeSlugStore()
    return BuildLab(FakeBuilder(slugs), slugs, tmp_path)


class TestBuilder:
    def test_makes_a_slug(self, builds: BuildLab):
        """A build makes a slug whose layers are in the store, and tells its process types."""
        built = builds.build(SOURCE)

        assert built.slug.layers
        assert all(builds.slugs.has(layer.digest) for layer in built.slug.layers)
        assert built.process_types == {"web": "python app.py", "worker": "python worker.py"}
        assert built.description
        assert built.buildpacks[0]["name"]

    def test_hands_on_output(self, builds: BuildLab):
        """What the build writes is handed on."""
        builds.build(SOURCE)

        assert builds.said.startswith(b"-----> Building")

    def test_cancelled(self, builds: BuildLab):
        """A build that is cancelled ends with BuildCancelled."""
        if isinstance(builds.builder, FakeBuilder):
            builds.builder.gate.clear()
        source = {**SOURCE, "build.py": "import time; time.sleep(60)"}
        with pytest.raises(BuildCancelled):
            builds.build(source, cancelled=lambda: True)

    def test_may_be_repeated(self, builds: BuildLab):
        """Sweeping and forgetting caches may be asked for at any time, also of unknown apps."""
        builds.builder.sweep(lambda: [uuid4()])
        builds.builder.forget_cache(uuid4())
        builds.build(SOURCE)
        builds.builder.sweep(list)
        builds.builder.forget_cache(builds.app_id)
        builds.builder.forget_cache(builds.app_id)

    def test_the_same_source_is_the_same_slug(self, builds: BuildLab):
        """Building the same source twice gives the same slug."""
        spec: Any = builds.spec(SOURCE)
        first = builds.builder.build(spec, builds.said.extend, lambda: False)
        second = builds.builder.build(spec, builds.said.extend, lambda: False)

        assert first.slug == second.slug
