"""Builds in real containers of the build image, with nothing of the platform but the runner."""

import json
import os
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import uv

from buildpacks.places import BUILDPACKS

RUN_IMAGE = "kedge/run:kedge-13"
BUILD_IMAGE = "kedge/build:kedge-13"
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
        """All paths of the layers that were written."""
        script = 'for tar in /build/out/*.tar; do tar -tf "$tar"; done'
        return docker(
            "run", *confined(), "-v", f"{self.volume}:/build:ro", BUILD_IMAGE, "bash", "-c", script
        ).stdout.splitlines()

    def run(self, script):
        """Run a shell script in the run image, with all layers in place, as a dyno would."""
        unpack = "for tar in /build/out/*.tar; do tar -C / -xf $tar; done"
        profile = "for file in .profile.d/*.sh; do [ -f $file ] && . $file; done"
        as_dyno = "setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/app PORT=5000"
        whole = f"{unpack}; cd /app; exec {as_dyno} bash -c '{profile}'\"$0\""
        ran = docker(
            *("run", *confined(), "--user", "0", "-v", f"{self.volume}:/build/x:ro"),
            *(RUN_IMAGE, "bash", "-c", whole.replace("/build/out", "/build/x/out"), f"\n{script}"),
        )
        return ran.stdout + ran.stderr

    def answer(self, command, path="/"):
        """Start a web process and ask it for a path once it answers."""
        ask = f"curl -s --retry 40 --retry-delay 0 --retry-all-errors --max-time 5 localhost:5000{path}"
        return self.run(f"({command}) >/tmp/log 2>&1 & {ask} || cat /tmp/log; kill %1")


class Builder:
    """Builds with one volume, as one app does."""

    def __init__(self):
        self.volume = f"kedge-test-{uuid.uuid4().hex[:12]}"
        docker("volume", "create", "--label", LABEL, self.volume)

    def close(self):
        docker("volume", "rm", "-f", self.volume)

    def build(self, source, *, buildpacks=(), env=None, known=(), limit=500 << 20, commit=None):
        with tempfile.TemporaryDirectory(prefix="kedge-build-") as folder:
            place = Path(folder)
            place.chmod(0o755)
            self._request(place, source, buildpacks, env or {}, known, limit, commit)
            done = self._run(place)
        result = docker(
            "run",
            *confined(),
            "-v",
            f"{self.volume}:/build",
            BUILD_IMAGE,
            "cat",
            "/build/out/result.json",
        )
        return Built(
            done.returncode, done.stdout + done.stderr, json.loads(result.stdout), self.volume
        )

    def _request(self, place, source, buildpacks, env, known, limit, commit):
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
            "known_layers": list(known),
        }
        (place / "in/build.json").write_text(json.dumps(request))
        for name, value in env.items():
            (place / "env" / name).write_text(value)

    def _run(self, place):
        mounts = {
            self.volume: "/build",
            f"{BUILDPACKS}": "/kedge/buildpacks:ro",
            uv.find_uv_bin(): "/kedge/tools/uv:ro",
            f"{place}/in": "/kedge/in:ro",
            f"{place}/env": "/kedge/env:ro",
        }
        return docker(
            *("run", *confined(), "--user", "1000", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--memory", "2g"),
            *(word for source, target in mounts.items() for word in ("-v", f"{source}:{target}")),
            *(BUILD_IMAGE, "python3", "-u", "/kedge/buildpacks/_runner/build.py"),
        )
