"""Builds in containers: budgets, what they get, what they leave, what they may not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contract.builds import BuildLab, docker_builder
from contract.lab import free_port, wait_until
from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine
from kedge.engine.protocols import Built
from kedge.errors import (
    BuildCancelled,
    BuildFailed,
    BuildOutOfMemory,
    BuildOutOfTime,
    BuildRefused,
    Conflict,
    SlugTooLarge,
)

pytestmark = pytest.mark.docker
OPTIONS = ("stands_by", "afterwards_seconds")
DONE = "result(layers=[layer('source', {'a': 1})])"


@pytest.fixture
def builds(docker_builds: BuildLab) -> BuildLab:
    """The real builder."""
    return docker_builds


@pytest.fixture
def with_settings(builds: BuildLab) -> Iterator[Callable[..., BuildLab]]:
    """Makes builders with other budgets."""
    made: list[Any] = []

    def make(**changes: Any) -> BuildLab:
        assert builds.settings is not None
        options = {name: changes.pop(name) for name in OPTIONS if name in changes}
        settings = replace(builds.settings, **changes)
        installation, slugs, folder = builds.installation, builds.slugs, builds.folder
        made.append(docker_builder(settings, installation, slugs, folder, **options))
        return replace(builds, builder=made[-1], settings=settings)

    yield make
    for builder in made:
        builder.close()


def containers(builds: BuildLab) -> list[Any]:
    """The build containers there are."""
    api = Engine("", builds.installation).api
    return api.containers(all=True, filters=labels.filters(builds.installation, kind="build"))


class TestGiven:
    def test_the_request(self, builds: BuildLab):
        """The runner finds app, stack, commit and limits in build.json."""
        builds.script("print(json.dumps(request))", DONE, known_layers=("ab" * 32,))

        assert b'"app": "demo"' in builds.said
        assert b'"source_version": "1a2b3c4d"' in builds.said
        assert b"abababab" in builds.said

    def test_config_as_files(self, builds: BuildLab):
        """Config values are files only the build's user may read, and not in the environment."""
        builds.script(
            "file = pathlib.Path('/kedge/env/ODD')",
            "print(file.read_text(), oct(file.stat().st_mode & 0o777), 'ODD' in os.environ)",
            DONE,
            env={"ODD": "a\nb"},
        )

        assert b"a\nb 0o400 False" in builds.said

    def test_nothing_to_read(self, builds: BuildLab):
        """What a build runs reads nothing from its standard input, and never waits for it."""
        builds.script("print('read', sys.stdin.read() == '')", "os.system('cat')", DONE)

        assert b"read True" in builds.said

    def test_uv(self, builds: BuildLab):
        """The platform's uv is there and runs."""
        builds.script("os.system('/kedge/tools/uv --version')", DONE)

        assert b"uv " in builds.said

    def test_the_volume_is_kept_for_the_app(self, builds: BuildLab):
        """What a build leaves in its volume the app's next build finds, another app's does not."""
        look = "print('found', (BUILD / 'cache.txt').exists())"
        builds.script(look, "(BUILD / 'cache.txt').write_text('x')", DONE)
        builds.script(look, DONE)
        replace(builds, app_id=builds.spec({}).build_id).script(look, DONE)
        said = builds.said.decode().split("found ")[1:]

        assert [line.split()[0] for line in said] == ["False", "True", "False"]

    def test_forgotten_cache(self, builds: BuildLab):
        """A forgotten cache is empty again."""
        look = "print('found', (BUILD / 'cache.txt').exists())"
        builds.script("(BUILD / 'cache.txt').write_text('x')", DONE)
        builds.builder.forget_cache(builds.app_id)
        builds.script(look, DONE)

        assert b"found False" in builds.said

    def test_confined(self, builds: BuildLab):
        """A build is an ordinary user without capabilities that cannot change its buildpacks."""
        builds.script(
            "status = pathlib.Path('/proc/self/status').read_text()",
            "caps = [l.split()[1] for l in status.splitlines() if l.startswith('Cap')]",
            "print('user', os.getuid(), set(caps) == {'0' * 16}, 'NoNewPrivs:\\t1' in status)",
            "print('may', os.access('/kedge/buildpacks', os.W_OK), os.access('/kedge/tools', 2))",
            "print('oom', pathlib.Path('/proc/self/oom_score_adj').read_text())",
            DONE,
        )

        assert b"user 1000 True True" in builds.said
        assert b"may False False" in builds.said
        assert b"oom 800" in builds.said

    def test_the_host_is_out_of_reach(self, builds: BuildLab, docker_runtime: Any):
        """A build reaches no service of the host."""
        import socket

        runtime, _ = docker_runtime
        gateway, port = str(runtime.site.ensure().gateway), free_port()
        with socket.create_server(("0.0.0.0", port)):
            builds.script(
                "import socket",
                "s = socket.socket(); s.settimeout(3)",
                f"print('connect', s.connect_ex(('{gateway}', {port})) != 0)",
                DONE,
            )

        assert b"connect True" in builds.said


class TestOutput:
    def test_streamed(self, builds: BuildLab):
        """Output is handed on while the build still runs."""
        heard: list[float] = []
        spec = builds.spec({"build.py": f"import time\nprint('now')\ntime.sleep(3)\n{DONE}"})

        def emit(piece: bytes) -> None:
            if b"now" in piece:
                heard.append(time.monotonic())

        builds.builder.build(spec, emit, lambda: False)

        assert time.monotonic() - heard[0] >= 1.5

    def test_all_of_it(self, builds: BuildLab):
        """A build that writes much and fast loses nothing; standard error keeps its place."""
        builds.script(
            "import itertools",
            "streams = itertools.cycle([sys.stdout, sys.stderr])",
            "for n, stream in zip(range(20000), streams): stream.write(f'{n}\\n')",
            DONE,
        )

        assert [int(word) for word in builds.said.split()[2:]] == list(range(20000))


class TestResult:
    def test_known_layers_are_not_copied(self, builds: BuildLab):
        """A layer the store has already is part of the slug without being copied."""
        first = builds.script("result(layers=[layer('dependencies', {'random': 1000})])")
        (known,) = first.slug.layers
        entry = {"kind": "dependencies", "digest": known.digest, "bytes": known.plain_bytes}
        second = builds.script(
            f"result(layers=[{{**{entry!r}, 'path': None}}, layer('source', {{'a': 1}})])"
        )

        assert second.slug.layers[0] == known
        assert second.slug.layers[1].kind == "source"

    def test_a_known_layer_that_is_gone(self, builds: BuildLab):
        """A layer the build takes for known but the store lacks fails the build, with advice."""
        entry = {"kind": "dependencies", "digest": "ab" * 32, "bytes": 1, "path": None}
        with pytest.raises(BuildFailed, match="builds:cache:purge"):
            builds.script(f"result(layers=[{entry!r}])")

    def test_a_false_digest(self, builds: BuildLab):
        """A layer that is not what the result says is refused."""
        with pytest.raises(BuildFailed, match="changed while it was stored"):
            builds.script("result(layers=[{**layer('source', {'a': 1}), 'digest': 'ab' * 32}])")

    def test_the_reason_of_a_failure(self, builds: BuildLab):
        """A build that says why it failed is refused with these words."""
        with pytest.raises(BuildFailed, match=r"^failed to compile Test app$"):
            builds.script("result('failed', reason='failed to compile Test app'); sys.exit(1)")

    def test_no_result(self, builds: BuildLab):
        """A build without a result failed, even when the one before left a good one."""
        builds.script(DONE)
        with pytest.raises(BuildFailed, match="without a result"):
            builds.script("sys.exit(0)")

    def test_nonsense(self, builds: BuildLab):
        """A result that cannot be understood is a failed build, not an error of ours."""
        for nonsense in ("[]", "{", '{"status": "succeeded", "layers": 3}'):
            with pytest.raises(BuildFailed):
                builds.script(f"(OUT / 'result.json').write_text({nonsense!r})")

    def test_too_large(self, with_settings: Any):
        """A slug over the limit is refused with its size and its largest folders."""
        small = with_settings(slug_limit_mb=1)
        with pytest.raises(SlugTooLarge, match=r"2 MB is too large \(max is 1 MB\).*assets 2 MB"):
            small.script(
                "result(layers=[layer('source', {'random': 2 << 20})],"
                " largest=[['assets', 2 << 20], ['node_modules', 1 << 20]])"
            )

    def test_the_limit_is_on_what_is_stored(self, with_settings: Any):
        """What compresses well may be larger than the limit before."""
        small = with_settings(slug_limit_mb=1)

        assert small.script("result(layers=[layer('source', {'zeros': 3 << 20})])").slug


class TestBudgets:
    def test_memory(self, with_settings: Any):
        """A build whose child is killed for its memory is told so, with the limit and advice."""
        small = with_settings(build_memory_mb=64)
        with pytest.raises(BuildOutOfMemory, match=r"64 MB.*KEDGE_BUILD_MEMORY_MB"):
            small.script(
                "import subprocess",
                "done = subprocess.run([sys.executable, '-c', 'x = bytearray(10**9)'])",
                "result('failed', reason='failed'); sys.exit(1)",
            )

    def test_memory_of_the_runner_itself(self, with_settings: Any):
        """The same when the runner itself is killed."""
        small = with_settings(build_memory_mb=64)
        with pytest.raises(BuildOutOfMemory):
            small.script("x = bytearray(10**9)")

    def test_time(self, with_settings: Any):
        """A build that takes too long is ended, with the limit."""
        short = with_settings(build_seconds=1)
        with pytest.raises(BuildOutOfTime, match="longer than 1 seconds"):
            short.script("import time; time.sleep(60)")

        wait_until(lambda: containers(short) == [])

    def test_a_silent_build_can_be_cancelled(self, builds: BuildLab):
        """A build that writes nothing is cancelled all the same, and nothing of it stays."""
        asked: list[float] = []

        def cancelled() -> bool:
            asked.append(time.monotonic())
            return len(asked) > 1

        with pytest.raises(BuildCancelled):
            builds.build({"build.py": "import time; time.sleep(60)"}, cancelled)

        wait_until(lambda: containers(builds) == [])

    def test_a_chatty_build_can_be_cancelled(self, builds: BuildLab):
        """A build that never stops writing is cancelled too."""
        with pytest.raises(BuildCancelled):
            builds.build({"build.py": "while True: print('x' * 1000)"}, lambda: True)

        wait_until(lambda: containers(builds) == [])
        wait_until(lambda: "build-output" not in [t.name for t in threading.enumerate()])


class TestLeftovers:
    def test_an_error_of_the_caller(self, builds: BuildLab):
        """When handing on output fails the error goes through and the container is gone."""

        def emit(piece: bytes) -> None:
            raise ConnectionResetError("pusher went away")

        with pytest.raises(ConnectionResetError):
            builds.builder.build(builds.spec({"build.py": DONE}), emit, lambda: False)

        wait_until(lambda: containers(builds) == [])

    def test_a_build_that_begins_during_a_sweep(self, builds: BuildLab):
        """What began after it was seen which containers there are is none of a dead worker's."""
        spec = builds.spec({"build.py": f"import time; time.sleep(1)\n{DONE}"})
        built: list[Built] = []

        def build() -> None:
            built.append(builds.builder.build(spec, lambda _: None, lambda: False))

        thread = threading.Thread(target=build)

        def running() -> list[UUID]:
            thread.start()
            wait_until(lambda: [each["State"] for each in containers(builds)] == ["running"])
            return []

        builds.builder.sweep(running)
        thread.join()

        assert built

    def test_sweep(self, builds: BuildLab):
        """Builds whose worker died are ended, those that are wanted go on."""
        specs = [builds.spec({"build.py": "import time; time.sleep(60)"}) for _ in range(2)]
        specs[1] = replace(specs[1], app_id=specs[1].build_id)
        failures: list[Exception] = []

        def build(spec: Any) -> None:
            try:
                builds.builder.build(spec, lambda _: None, lambda: spec.source_version in ended)
            except BuildRefused as error:
                failures.append(error)

        ended: set[str] = set()
        threads = [threading.Thread(target=build, args=(spec,)) for spec in specs]
        for thread in threads:
            thread.start()
        wait_until(lambda: [c["State"] for c in containers(builds)] == ["running"] * 2)
        with pytest.raises(Conflict, match="is running"):
            builds.builder.forget_cache(specs[0].app_id)
        builds.builder.sweep(lambda: [specs[0].build_id])

        wait_until(lambda: len(containers(builds)) == 1)
        (left,) = containers(builds)
        assert left["Names"][0].endswith(specs[0].build_id.hex[:8])
        ended.add("1a2b3c4d")
        for thread in threads:
            thread.join()
        assert {type(error) for error in failures} == {BuildCancelled, BuildFailed}

    def test_changed_buildpacks(self, with_settings: Any, tmp_path: Path):
        """Changed buildpacks are used by the next build, and the old copy goes."""
        builds = with_settings()
        builds.script(DONE)
        runner = tmp_path / "buildpacks" / "_runner" / "stages.py"
        runner.write_text(runner.read_text().replace("-----> Building", "-----> Changed"))
        builds.script(DONE)
        volumes = Engine("", builds.installation).api.volumes(
            filters={"label": [f"kedge.home={builds.installation}", "kedge.volume=buildpacks"]}
        )

        assert b"-----> Changed" in builds.said
        assert len(volumes["Volumes"]) == 1
