"""Bare repositories, one an app, named by the app's id so that a rename moves nothing."""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from git import Repo
from git.exc import GitCommandError

from kedge.errors import BuildFailed

STALE_PART_SECONDS = 3600
PART_PREFIX = ".part-"
HOOK = Path(__file__).parent.parent / "git" / "hook.py"
CONFIG = {
    ("http", "receivepack"): "true",
    ("transfer", "unpackLimit"): "100",
    ("receive", "autogc"): "false",
    ("receive", "keepAlive"): "3",
    ("receive", "denyDeleteCurrent"): "ignore",
    ("uploadpack", "allowAnySHA1InWant"): "true",
}


@dataclass(frozen=True, slots=True)
class Commit:
    """What is told of a commit. `time` is in unix seconds."""

    sha: str
    subject: str
    time: int


class Repositories:
    """The folder of all repositories."""

    def __init__(self, folder: Path, source_limit_mb: int) -> None:
        self._folder, self._limit_mb = folder, source_limit_mb

    def ensure(self, app_id: uuid.UUID) -> Path:
        """The app's repository, made when there is none yet."""
        path = self.path(app_id)
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            # Beside, then renamed: whoever is killed in the middle leaves no half of a repository,
            # and of two that make one at the same time the first has made it.
            with TemporaryDirectory(prefix=PART_PREFIX, dir=self._folder) as part:
                made = Path(part) / path.name
                self._init(made)
                with suppress(OSError):
                    made.rename(path)
            _drop_stale(self._folder.glob(f"{PART_PREFIX}*"))
        return path

    def _init(self, path: Path) -> None:
        repo = Repo.init(path, bare=True, initial_branch="main")
        with repo.config_writer() as config:
            for (section, option), value in CONFIG.items():
                config.set_value(section, option, value)
            config.set_value("receive", "maxInputSize", f"{self._limit_mb}m")
            config.set_value("core", "hooksPath", str(self._hooks()))
        repo.close()

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self._folder

    def path(self, app_id: uuid.UUID) -> Path:
        """Where the app's repository is, or would be."""
        return self._folder / f"{app_id}.git"

    def forget(self, app_id: uuid.UUID) -> None:
        """Remove the app's repository."""
        shutil.rmtree(self.path(app_id), ignore_errors=True)

    def _hooks(self) -> Path:
        """The folder of hooks all repositories share; the interpreter is this installation's."""
        folder = self._folder / "hooks"
        folder.mkdir(parents=True, exist_ok=True)
        hook = folder / "pre-receive"
        # -I and -S: nothing of the environment or of site-packages, so it starts in milliseconds.
        text = f"#!/bin/sh\nexec {sys.executable} -IS {HOOK}\n"
        if not hook.exists() or hook.read_text() != text:
            part = hook.with_name(f"{PART_PREFIX}{uuid.uuid4().hex}")
            part.write_text(text)
            part.chmod(0o755)
            part.replace(hook)
        return folder


def _drop_stale(parts: Iterable[Path]) -> None:
    """Remove repositories a kill -9 left half made."""
    for part in parts:
        with suppress(FileNotFoundError):  # its maker has just ended
            if part.stat().st_mtime < time.time() - STALE_PART_SECONDS:
                shutil.rmtree(part, ignore_errors=True)


class Quarantine:
    """A repository as a hook sees it: with the pushed objects that are not accepted yet."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._repo = Repo(path)
        self._repo.git.update_environment(**environment)

    def commit(self, sha: str) -> Commit:
        """What a commit says of itself. Raises BuildFailed when it is none."""
        try:
            told: bytes = self._repo.git.log(
                "-1", "--encoding=UTF-8", "--format=%H%x00%ct%x00%s", sha, stdout_as_string=False
            )
        except GitCommandError:
            raise BuildFailed(f"{sha[:8]} is not a commit, so it cannot be deployed.") from None
        # A subject may be in any encoding, and need not be in the one its commit names.
        full, seconds, subject = told.decode("utf-8", "replace").split("\0", 2)
        return Commit(full, subject, int(seconds))

    def history(self, limit: int) -> list[Commit]:
        """The newest commits that were pushed, newest first."""
        if not self._repo.branches:
            return []
        told: bytes = self._repo.git.log(
            "--branches", f"--max-count={limit}", "-z", "--encoding=UTF-8",
            "--format=%H%x00%ct%x00%s", stdout_as_string=False,
        )  # fmt: skip
        fields = told.decode("utf-8", "replace").rstrip("\0").split("\0")
        rows = zip(*[iter(fields)] * 3, strict=False)
        return [Commit(sha, subject, int(seconds)) for sha, seconds, subject in rows]

    def resolve(self, name: str) -> str:
        """The commit a branch, a tag or the beginning of an id stands for. Raises BuildFailed."""
        wanted = f"{name}^{{commit}}"
        try:
            found: str = self._repo.git.rev_parse("--verify", "--quiet", "--end-of-options", wanted)
        except (GitCommandError, ValueError):
            raise BuildFailed(
                f"There is no branch, tag or commit {name[:80]!r} among what was pushed here."
            ) from None
        return found

    def submodules(self, sha: str) -> list[str]:
        """Paths of submodules in a commit's tree."""
        rows = self._repo.git.ls_tree("-r", "--full-tree", sha).splitlines()
        return [row.partition("\t")[2] for row in rows if row.startswith("160000 ")]

    def archive(self, sha: str, target: BinaryIO) -> None:
        """Write a plain tar of a commit's tree."""
        self._repo.git.archive("--format=tar", sha, output_stream=target)

    def ref(self, name: str) -> str:
        """Where a ref points now, all zeros when there is none."""
        try:
            found: str = self._repo.git.rev_parse("--verify", "--quiet", name)
        except GitCommandError:
            return "0" * 40
        return found

    def close(self) -> None:
        """Let go of git's helper processes."""
        self._repo.close()
