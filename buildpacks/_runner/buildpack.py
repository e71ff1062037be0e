"""One buildpack, by Heroku's buildpack API (https://devcenter.heroku.com/articles/buildpack-api)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from _lib.refusal import Refused

from _runner import release_output

Environment = Mapping[str, str]


class CompileFailed(Refused):
    """A buildpack's bin/compile ended with an error. `headline` are Heroku's words for it."""

    def __init__(self, title: str, cause: str, advice: tuple[str, ...]) -> None:
        self.headline = f"failed to compile {title} app"
        super().__init__(f"{self.headline}: {cause}" if cause else self.headline, *advice)


@dataclass(frozen=True, slots=True)
class Buildpack:
    """A buildpack's folder. `about` is its buildpack.json: title, version, what it detects."""

    name: str
    folder: Path
    about: Mapping[str, str]

    @property
    def title(self) -> str:
        """What people call it: `Python`, `Node.js`."""
        return self.about.get("title", self.name)

    @property
    def version(self) -> str:
        """Its version, which is part of every cache key."""
        return self.about.get("version", "")

    def detect(self, build_dir: Path, env: Environment) -> str | None:
        """The name bin/detect prints when it wants this source, else None."""
        command = [str(self.folder / "bin" / "detect"), str(build_dir)]
        detecting = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(env),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if detecting.returncode != 0:
            return None
        printed = detecting.stdout.strip().splitlines()
        return printed[0] if printed else self.title

    def compile(self, build_dir: Path, cache: Path, env_dir: Path, env: Environment) -> None:
        """Run bin/compile; what it prints is the build's output.

        Raises:
            Refused: it failed, with the signal named when it was killed.
        """
        program = str(self.folder / "bin" / "compile")
        arguments = [program, str(build_dir), str(cache), str(env_dir)]
        status = subprocess.run(arguments, cwd=self.folder, env=dict(env), check=False).returncode
        if status != 0:
            raise CompileFailed(self.title, _left_reason(env), _killed(status))

    def default_process_types(self, build_dir: Path, env: Environment) -> dict[str, str]:
        """What bin/release declares; none without one."""
        program = self.folder / "bin" / "release"
        if not program.exists():
            return {}
        releasing = subprocess.run(
            [str(program), str(build_dir)],
            cwd=self.folder,
            env=dict(env),
            capture_output=True,
            text=True,
            check=False,
        )
        if releasing.returncode != 0:
            raise Refused(
                f"The {self.title} buildpack's bin/release failed.", *releasing.stderr.splitlines()
            )
        return release_output.default_process_types(releasing.stdout)

    def exported(self, env: Environment) -> dict[str, str]:
        """The environment for the buildpacks after this one: `env` with its `export` file
        sourced.
        """
        export = self.folder / "export"
        if not export.is_file():
            return dict(env)
        script = 'set -a; . "$1" >&2; env -0'
        sourced = subprocess.run(
            ["bash", "-c", script, "bash", str(export)],
            cwd=self.folder,
            env=dict(env),
            stdout=subprocess.PIPE,
            check=False,
        )
        pairs = sourced.stdout.decode(errors="surrogateescape").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _left_reason(env: Environment) -> str:
    """What the buildpack said the cause is, if it did (KEDGE_REASON names the file)."""
    file = Path(env.get("KEDGE_REASON", ""))
    return file.read_text().strip() if file.is_file() else ""


def _killed(status: int) -> tuple[str, ...]:
    """Advice when the buildpack, or what it ran, was ended by a signal."""
    number = -status if status < 0 else status - 128
    if number == signal.SIGKILL:
        return ("It was killed: most likely the build needed more memory than a build may use.",)
    if number in {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT}:
        return (f"It crashed with {signal.Signals(number).name}.",)
    return ()


def load(folder: Path) -> Buildpack:
    """The buildpack in a folder."""
    about = folder / "buildpack.json"
    return Buildpack(folder.name, folder, json.loads(about.read_text()) if about.exists() else {})


def writable_copy(buildpack: Buildpack, place: Path, number: int) -> Buildpack:
    """The buildpack in a folder of its own that it may write to (`export`), beside a link to
    _lib.
    """
    place.mkdir(parents=True, exist_ok=True)
    lib = place / "_lib"
    if not lib.is_symlink():
        lib.symlink_to(buildpack.folder.parent / "_lib")
    folder = place / f"{number}-{buildpack.name}"
    shutil.copytree(buildpack.folder, folder, symlinks=True)
    folder.chmod(0o755)
    return Buildpack(buildpack.name, folder, buildpack.about)
