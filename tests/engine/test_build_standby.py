"""The build container that waits for the next build: when it is used, and when it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker.errors
import pytest

from contract.builds import BuildLab, docker_builder
from contract.lab import wait_until
from kedge.engine.docker import buildpool, labels
from kedge.engine.docker.client import Engine

pytestmark = pytest.mark.docker
SOURCE = {"Procfile": "web: python app.py\n"}
# Another process of the installation, that dies of a kill -9 while a container waits for it.
OTHER_PROCESS = """
import sys
from pathlib import Path
from uuid import UUID
from contract.builds import BuildLab, docker_builder
from kedge.engine.slugs import DiskSlugStore
from kedge.settings import Settings

home, folder, installation, app_id = sys.argv[1:]
settings = Settings(home=Path(home))
slugs = DiskSlugStore(Path(home) / "slugs")
builder = docker_builder(settings, installation, slugs, Path(folder), stands_by=True)
lab = BuildLab(builder, slugs, Path(folder), settings, installation, UUID(app_id))
lab.build({"Procfile": "web: x"})
print("built", flush=True)
sys.stdin.read()
"""


class Standing(BuildLab):
    """A builder of whose apps one has a container that waits."""

    def waiting(self) -> list[Any]:
        """The containers that wait for a build of this installation, as the engine lists them."""
        api = Engine("", self.installation).api
        found = api.containers(all=True, filters=labels.filters(self.installation, kind="build"))
        return [each for each in found if each["Names"][0].endswith("-build-next")]

    def one_waits(self) -> str:
        """Its id, once it is there and nothing of the build before is."""

        def found() -> Any:
            builder: Any = self.builder
            there = [each for each in self.waiting() if each["State"] == "running"]
            return there if builder._pool._standby._waiting and len(there) == 1 else None

        return str(wait_until(found)[0]["Id"])

    def ran_in(self, **changes: Any) -> str:
        """Build; the short id of the container it ran in."""
        self.said.clear()
        self.script("print('host', os.uname().nodename)", DONE, **changes)
        return self.said.decode().split("host ")[1].split()[0]


DONE = "result(layers=[layer('source', {'a': 1})])"


@pytest.fixture
def standing(docker_builds: BuildLab) -> Iterator[Standing]:
    """A real builder that keeps a container waiting."""
    lab = docker_builds
    builder = docker_builder(lab.settings, lab.installation, lab.slugs, lab.folder, stands_by=True)  # type: ignore[arg-type]
    yield Standing(builder, lab.slugs, lab.folder, lab.settings, lab.installation)
    builder.close()
    wait_until(lambda: not builder._pool._listed())


class TestUse:
    def test_a_build_takes_the_one_that_waits_and_another_one_follows(self, standing: Standing):
        """The next build of the app runs in it; it is used for that build alone."""
        standing.build(SOURCE)
        first = standing.one_waits()

        assert first.startswith(standing.ran_in())
        second = standing.one_waits()
        assert second != first
        assert second.startswith(standing.ran_in())

    def test_it_is_called_after_the_build_that_took_it(self, standing: Standing):
        """So that who sweeps knows whose it is."""
        standing.build(SOURCE)
        container = standing.one_waits()
        spec = standing.spec(SOURCE)
        api = Engine("", standing.installation).api
        name = f"/kedge-{standing.installation}-demo-build-{spec.build_id.hex[:8]}"

        def emit(_: bytes) -> None:
            wait_until(lambda: api.inspect_container(container)["Name"] == name)

        standing.builder.build(spec, emit, lambda: False)

    def test_it_gets_what_the_build_is_for(self, standing: Standing):
        """Config and source are the new build's, whatever they were when it was started."""
        standing.build(SOURCE, env={"COLOUR": "red"})
        standing.one_waits()
        standing.script(
            "folder = pathlib.Path('/kedge/env')",
            "print({file.name: file.read_text() for file in folder.iterdir()})",
            DONE,
            env={"SHAPE": "round"},
        )

        assert b"{'SHAPE': 'round'}" in standing.said

    def test_an_app_has_its_own(self, standing: Standing):
        """No other app's build runs in it; the place is the app's that was built last."""
        standing.build(SOURCE)
        first = standing.one_waits()
        other = replace(standing, app_id=uuid4())

        assert not first.startswith(other.ran_in())
        own = [str(other.app_id)]
        wait_until(lambda: [each["Labels"][labels.APP_ID] for each in standing.waiting()] == own)

    def test_one_that_is_not_as_it_has_to_be_is_not_used(self, standing: Standing):
        """With other buildpacks, or on another stack, a build starts a container of its own."""
        standing.build(SOURCE)
        first = standing.one_waits()

        assert not first.startswith(standing.ran_in(stack="kedge-14"))
        assert first not in [each["Id"] for each in standing.waiting()]
        second = standing.one_waits()
        stages = standing.folder / "buildpacks" / "_runner" / "stages.py"
        stages.write_text(stages.read_text().replace("-----> Building", "-----> Changed"))
        assert not second.startswith(standing.ran_in(stack="kedge-14"))
        assert b"-----> Changed" in standing.said

    def test_one_that_died_is_not_used(self, standing: Standing):
        """A build whose waiting container was killed or removed meanwhile runs all the same."""
        api = Engine("", standing.installation).api
        for end in (api.kill, lambda container: api.remove_container(container, force=True)):
            standing.build(SOURCE)
            container = standing.one_waits()
            end(container)
            waiting = standing.builder._pool._standby._waiting  # type: ignore[attr-defined]
            wait_until(lambda taken=waiting: not taken.talk.is_silent())

            assert not container.startswith(standing.ran_in())

    def test_a_failed_build_is_followed_by_one_too(self, standing: Standing):
        """Who pushed what failed pushes again."""
        with pytest.raises(Exception, match="no good"):
            standing.script("result('failed', reason='no good'); sys.exit(1)")

        assert standing.one_waits().startswith(standing.ran_in())


class TestEnd:
    def test_with_the_process_it_waits_for(self, standing: Standing, tmp_path: Path):
        """A kill -9 of the worker ends it, and `sweep` removes what is left."""
        app_id = str(uuid4())
        home = str(standing.settings.home) if standing.settings else ""
        tests = str(Path(__file__).resolve().parents[1])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}
        command = [sys.executable, "-c", OTHER_PROCESS]
        with subprocess.Popen(
            [*command, home, str(tmp_path), standing.installation, app_id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
        ) as other:  # fmt: skip
            assert other.stdout
            assert b"built" in other.stdout.readline()
            wait_until(lambda: [each["State"] for each in standing.waiting()] == ["running"])
            standing.builder.sweep(list)
            assert len(standing.waiting()) == 1
            other.send_signal(signal.SIGKILL)
        wait_until(lambda: [each["State"] for each in standing.waiting()] == ["exited"])
        standing.builder.sweep(list)

        assert standing.waiting() == []

    def test_after_a_while(self, standing: Standing, monkeypatch: pytest.MonkeyPatch):
        """It waits for minutes, not for ever; also one whose process cannot end it."""
        standing.build(SOURCE)
        standing.one_waits()
        standing.builder.sweep(list)
        assert len(standing.waiting()) == 1
        monkeypatch.setattr(buildpool, "ABANDONED_SECONDS", 0.0)
        replace(standing, builder=another(standing)).builder.sweep(list)
        assert standing.waiting() == []
        standing.build(SOURCE)
        standing.one_waits()
        monkeypatch.setattr(buildpool, "STANDBY_SECONDS", 0.0)
        standing.builder.sweep(list)

        assert standing.waiting() == []

    def test_with_the_cache(self, standing: Standing):
        """A cache is forgotten at once though a container waits that uses it."""
        standing.script("(BUILD / 'cache.txt').write_text('x')", DONE)
        standing.one_waits()
        standing.builder.forget_cache(standing.app_id)
        assert standing.waiting() == []
        standing.script("print('found', (BUILD / 'cache.txt').exists())", DONE)

        assert b"found False" in standing.said

    def test_with_the_app(self, standing: Standing):
        """The supervisor drops what the worker has waiting for an app that is gone."""
        standing.build(SOURCE)
        standing.one_waits()
        another(standing).forget_app(standing.app_id)

        assert standing.waiting() == []
        with pytest.raises(docker.errors.NotFound):
            Engine("", standing.installation).api.inspect_volume(cache_of(standing))

    def test_none_for_an_app_that_is_gone(self, standing: Standing):
        """An app destroyed right after its build leaves neither container nor cache."""
        builder: Any = standing.builder
        wanted = builder._pool._wanted(standing.spec(SOURCE))
        builder.forget_app(standing.app_id)
        builder._pool._stand_by(wanted)
        assert standing.waiting() == []
        seen = iter([True, False])
        builder._pool._volumes.has_cache = lambda _: next(seen)
        builder._pool._stand_by(wanted)

        assert standing.waiting() == []
        with pytest.raises(docker.errors.NotFound):
            Engine("", standing.installation).api.inspect_volume(cache_of(standing))


def another(lab: Standing) -> Any:
    """The builder of another process of the installation."""
    return docker_builder(lab.settings, lab.installation, lab.slugs, lab.folder)  # type: ignore[arg-type]


def cache_of(lab: Standing) -> str:
    """What the engine calls the app's cache."""
    return f"kedge-{lab.installation}-cache-{lab.app_id.hex}"
