"""Builds in real containers of the build image, with nothing of the platform but the runner."""

import json
import os
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import uv

from buildpacks.places import APPS, BUILDPACKS

RUN_IMAGE = "kedge/run:kedge-13"
BUILD_IMAGE = "kedge/build:kedge-13"
ADDONS_IMAGE = "kedge/addons:kedge-13"
LABEL = "kedge.test=buildpacks"
COMMIT_TIME = 1_700_000_000
_CA_VARIABLES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO", "NPM_CONFIG_CAFILE",
)  # fmt: skip


def docker(*arguments, timeout=240):
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def confined():
    """The options every container here gets, and the CA bundle this machine names, if any."""
    options = ["--rm", "--init", "--label", LABEL]
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle:
        options += ["-v", f"{bundle}:{bundle}:ro"]
        options += [word for name in _CA_VARIABLES for word in ("-e", f"{name}={bundle}")]
    return options


@dataclass
class Built:
    """What a build printed and left."""

    status: int
    output: str
    result: dict
    volume: str

    @property
    def lines(self):
        return self.output.splitlines()

    def digests(self, kind):
        return [layer["digest"] for layer in self.result["layers"] if layer["kind"] == kind]

    def all_digests(self):
        return [layer["digest"] for layer in self.result["layers"]]

    def unwritten(self):
        return [layer["digest"] for layer in self.result["layers"] if layer["path"] is None]

    def listing(self):
        """All paths of all layers."""
        script = "cd /build/kept && for tar in $*; do tar -tf $tar.tar; done"
        return self._in(BUILD_IMAGE, script, *self.all_digests()).splitlines()

    def left_in_out(self):
        """The names of what the runner left for the engine."""
        return self._in(BUILD_IMAGE, "ls /build/out").split()

    def run(self, script):
        """Run a shell script in the run image, with all layers in place, as a dyno would."""
        unpack = (
            "digests=$1; for digest in $digests; do tar -C / -xf /build/x/kept/$digest.tar; done"
        )
        profile = "for file in .profile.d/*.sh; do [ -f $file ] && . $file; done"
        as_dyno = "setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/app PORT=5000"
        whole = f"{unpack}; cd /app; exec {as_dyno} bash -c '{profile}'\"$2\""
        return self._in(RUN_IMAGE, whole, " ".join(self.all_digests()), f"\n{script}")

    def _in(self, image, script, *arguments):
        target = "/build/x" if image == RUN_IMAGE else "/build"
        options = ("--user", "0", "-v", f"{self.volume}:{target}:ro")
        ran = docker("run", *confined(), *options, image, "bash", "-c", script, "bash", *arguments)
        return ran.stdout + ran.stderr

    def answer(self, command, path="/"):
        """Start a web process and ask it for a path once it answers."""
        retry = "--retry 60 --retry-delay 0 --retry-all-errors --max-time 5"
        ask = f"curl -s {retry} localhost:5000{path}"
        return self.run(f"({command}) >/tmp/log 2>&1 & {ask} || cat /tmp/log; kill %1")


class Builder:
    """Builds with one volume, as one app does."""

    def __init__(self):
        self.volume = f"kedge-test-{uuid.uuid4().hex[:12]}"
        self.seen = set()
        self._first = {}
        docker("volume", "create", "--label", LABEL, self.volume)

    def close(self):
        docker("volume", "rm", "-f", self.volume)

    def first(self, app):
        """The first build here of an app of tests/apps, as it is; made when it is asked for."""
        if app not in self._first:
            self._first[app] = self.build(APPS / app)
        return self._first[app]

    def build(self, source, *, buildpacks=(), env=None, limit=500 << 20, commit=None):
        """Build; every layer of an earlier build here counts as known to the engine."""
        with tempfile.TemporaryDirectory(prefix="kedge-build-") as folder:
            place = Path(folder)
            place.chmod(0o755)
            self._request(place, source, buildpacks, env or {}, limit, commit)
            done = self._run(place)
        result = json.loads(self._take_in())
        built = Built(done.returncode, done.stdout + done.stderr, result, self.volume)
        self.seen |= set(built.all_digests())
        return built

    def kill_at(self, source, words):
        """Begin a build and kill it once it has printed a line with these words."""
        with tempfile.TemporaryDirectory(prefix="kedge-build-") as folder:
            place = Path(folder)
            place.chmod(0o755)
            self._request(place, source, (), {}, 500 << 20, None)
            command = self._command(place, "--name", self.volume)
            with subprocess.Popen(
                ["docker", *command], stdout=subprocess.PIPE, text=True
            ) as running:
                next(line for line in running.stdout if words in line)
                docker("kill", self.volume)

    def _take_in(self):
        """Keep the layers, as a slug store would, and read the result."""
        script = (
            "mkdir -p /build/kept; cp -ln /build/out/*.tar /build/kept 2>/dev/null;"
            "cat /build/out/result.json"
        )
        mount = f"{self.volume}:/build"
        return docker("run", *confined(), "-v", mount, BUILD_IMAGE, "bash", "-c", script).stdout

    def _request(self, place, source, buildpacks, env, limit, commit):
        (place / "in").mkdir()
        (place / "env").mkdir()
        subprocess.run(
            ["tar", "-C", str(source), "-cf", str(place / "in/source.tar"), "."], check=True
        )
        request = {
            "app": "test",
            "stack": "kedge-13",
            "buildpacks": list(buildpacks),
            "source_version": "0123abcd",
            "commit_time": commit or COMMIT_TIME,
            "slug_limit_bytes": limit,
            "known_layers": sorted(self.seen),
        }
        (place / "in/build.json").write_text(json.dumps(request))
        for name, value in env.items():
            (place / "env" / name).write_text(value)

    def _run(self, place):
        return docker(*self._command(place))

    def _command(self, place, *options):
        mounts = {
            self.volume: "/build",
            f"{BUILDPACKS}": "/kedge/buildpacks:ro",
            uv.find_uv_bin(): "/kedge/tools/uv:ro",
            f"{place}/in": "/tmp/order:ro",
            f"{place}/env": "/kedge/env:ro",
        }
        return (
            *("run", *confined(), *options, "--user", "1000", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--memory", "2g"),
            *(word for source, target in mounts.items() for word in ("-v", f"{source}:{target}")),
            *(BUILD_IMAGE, "python3", "-u", "/kedge/buildpacks/_runner/build.py"),
        )
