"""From `git push` to live, beside the sum of its bare steps.

The bare steps: the same commit pushed to a bare repository, the buildpack's own work as measured
inside a container that already runs, and the image's boot in a bare container. The start of a build
container is shown apart: whoever builds in one by hand pays it too.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import docker
from measured import Bare, checkout, median, platform, seconds, table, until_answer, verdict

from kedge import settings as configuration
from kedge.engine.docker import dyno
from system.installation import App

ROUNDS = 9
TARGET = 1.5
# Nobody pushes again sooner. What Kedge does after a push must not slow the bare steps down.
REST_SECONDS = 3.0
BUILD_IMAGE = "kedge/build:kedge-13"
PHASES = (
    ("Building source", "git, archive of the commit"),
    ("-----> Building on", "queue, build container"),
    ("Done:", "the buildpack's work"),
    ("Released v", "slug store, release"),
    ("Verifying deploy... done", "image, dyno, router"),
)


class BareBuild:
    """The build's runner in a container that waits for it, on a cache of its own that is warm."""

    def __init__(self, app: App) -> None:
        engine, home = docker.from_env(), app.platform.id
        found = {volume.name for volume in engine.volumes.list()}
        buildpacks = next(n for n in found if n.startswith(f"kedge-{home}-buildpacks"))
        tools = next(n for n in found if n.startswith(f"kedge-{home}-tools"))
        labels, certificates = {"kedge.home": home}, configuration.load({}).host_ca_bundle
        self._cache = engine.volumes.create(f"kedge-{home}-bench", labels=labels)
        self._network = next(n.name for n in engine.networks.list() if n.name == f"kedge-{home}")
        self._container = engine.containers.run(
            BUILD_IMAGE, ["sleep", "infinity"], entrypoint="", user="1000", init=True,
            network=self._network, detach=True, labels={**labels, "kedge.kind": "helper"},
            environment={"HOME": "/app", "STACK": "kedge-13", **dyno.ca_variables(certificates)},
            volumes=[
                f"{self._cache.name}:/build",
                f"{buildpacks}:/kedge/buildpacks:ro",
                f"{tools}:/kedge/tools:ro",
                *dyno.ca_binds(certificates),
            ],
        )  # fmt: skip
        self._run("chown 1000 /build; mkdir -p /tmp/order /kedge/env", user="root")
        self._layers: list[str] = []

    def seconds(self, app: App) -> float:
        """One build of the app's newest commit, timed inside."""
        source = subprocess.run(
            ["git", "archive", "HEAD"], cwd=app.folder, capture_output=True, check=True
        ).stdout
        order = {
            "app": "bare", "stack": "kedge-13", "buildpacks": [], "source_version": "",
            "commit_time": 1, "slug_limit_bytes": 500 << 20, "known_layers": self._layers,
        }  # fmt: skip
        self._put("build.json", json.dumps(order).encode())
        self._put("source.tar", source)
        said = self._run(
            "date +%s.%N; python3 -u /kedge/buildpacks/_runner/build.py >/tmp/said || cat /tmp/said"
            "; date +%s.%N"
        )
        result = json.loads(self._run("cat /build/out/result.json"))
        self._layers = [layer["digest"] for layer in result["layers"]]
        began, ended = said.split()
        return float(ended) - float(began)

    def start_seconds(self) -> float:
        """A container of the build image, started in the same network to do nothing."""
        began = time.monotonic()
        docker.from_env().containers.run(
            BUILD_IMAGE, ["true"], entrypoint="", network=self._network, init=True, remove=True
        )
        return time.monotonic() - began

    def remove(self) -> None:
        """Leave nothing behind."""
        self._container.remove(force=True)
        self._cache.remove(force=True)

    def _put(self, name: str, content: bytes) -> None:
        subprocess.run(
            ["docker", "exec", "-i", "-u", "0", self._container.id, "sh", "-c",
             f"cat > /tmp/order/{name}"],
            input=content, check=True,
        )  # fmt: skip

    def _run(self, command: str, user: str = "1000") -> str:
        status, said = self._container.exec_run(["sh", "-c", command], user=user)
        if status:
            raise SystemExit(said.decode())
        return str(said.decode())


def timed_push(app: App, version: str) -> tuple[float, dict[str, float]]:
    """A push to its first answer; when each phase's last line came on the pusher's screen."""
    began = time.monotonic()
    push = subprocess.Popen(
        ["git", "push", "kedge", "main"], cwd=app.folder, env=app.platform.environment,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    seen: dict[str, float] = {}
    said = ""
    for line in push.stderr or ():
        said += line
        for marker, _ in PHASES:
            if marker in line:
                seen.setdefault(marker, time.monotonic() - began)
    if push.wait():
        raise SystemExit(said)
    return until_answer(app, f"version={version}", began), seen


def bare_push_seconds(app: App, bare: Path) -> float:
    """The same commit into a bare repository."""
    began = time.monotonic()
    app.git("push", "--quiet", str(bare), "main")
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    live, git, build, boot, start = [], [], [], [], []
    phases: dict[str, list[float]] = defaultdict(list)
    with platform() as made, checkout() as folder:
        app = made.app("flask-hello", folder)
        bare_repository = folder / "bare.git"
        app.git("init", "--quiet", "--bare", str(bare_repository))
        cold, _ = timed_push(app, "1")
        time.sleep(REST_SECONDS)
        bare, bare_build = Bare.of(app, "gunicorn app:app"), BareBuild(app)
        try:
            bare_push_seconds(app, bare_repository)
            bare_build.seconds(app)
            for number in range(ROUNDS):
                app.commit({"VERSION": f"{number}.0"})
                taken, seen = timed_push(app, f"{number}.0")
                live.append(taken)
                before = 0.0
                for marker, _ in PHASES:
                    phases[marker].append(seen[marker] - before)
                    before = seen[marker]
                time.sleep(REST_SECONDS)
                git.append(bare_push_seconds(app, bare_repository))
                build.append(bare_build.seconds(app))
                boot.append(bare.boot_seconds())
                start.append(bare_build.start_seconds())
        finally:
            bare_build.remove()
    total = [sum(steps) for steps in zip(git, build, boot, strict=True)]
    ratio = _ratio(live, total)
    with_start = _ratio(live, [sum(steps) for steps in zip(total, start, strict=True)])
    table(
        f"git push to live, small Flask app, warm, {ROUNDS} rounds",
        ("", "median (range)"),
        [
            ("git push to the first answer", seconds(live)),
            ("bare: git push to a bare repository", seconds(git)),
            ("bare: the buildpack's own work", seconds(build)),
            ("bare: docker run to the first answer", seconds(boot)),
            ("sum of the bare steps", seconds(total)),
            ("ratio (median of the rounds')",
             f"{ratio:.2f}  target {TARGET}: {verdict(ratio, TARGET)}"),
            ("apart: docker run of a build container that does nothing", seconds(start)),
            ("ratio to the sum with that", f"{with_start:.2f}"),
            ("the very first push, nothing cached", f"{cold:.2f} s"),
        ],
    )  # fmt: skip
    table(
        "Where a push's time goes, on the pusher's screen",
        ("up to the line", "what is done", "median (range)"),
        [(marker, what, seconds(phases[marker])) for marker, what in PHASES],
    )


def _ratio(whole: list[float], bare: list[float]) -> float:
    return median([one / other for one, other in zip(whole, bare, strict=True)])


if __name__ == "__main__":
    main()
