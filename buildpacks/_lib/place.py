"""Where a buildpack works and for whom: its arguments and environment as one value."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from _lib import screen
from _lib.env_dir import read_config_vars
from _lib.refusal import Refused


@dataclass(frozen=True, slots=True)
class Place:
    """One call of bin/compile. `folder` is the buildpack's own; `config` the app's config vars."""

    build_dir: Path
    cache_dir: Path
    folder: Path
    config: dict[str, str]
    stack: str

    @property
    def version(self) -> str:
        """The buildpack's version, which is part of every cache key."""
        return str(json.loads((self.folder / "buildpack.json").read_text())["version"])

    def tool_env(self, **extra: str) -> dict[str, str]:
        """The environment for tools: this process's, a home that is not the slug, then `extra`."""
        home = Path(os.environ["TMPDIR"]) / "home"
        home.mkdir(exist_ok=True)
        return {**os.environ, "HOME": str(home), **extra}

    def app_env(self, **extra: str) -> dict[str, str]:
        """The environment for the app's own code in a build: config vars over the tools'."""
        return {**self.tool_env(), **self.config, **extra}

    def profile(self, name: str) -> Path:
        """The file `.profile.d/NAME.sh`, which a dyno sources before its command."""
        folder = self.build_dir / ".profile.d"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.sh"


def place_of(arguments: list[str], folder: Path) -> Place:
    """The place named by bin/compile's arguments BUILD_DIR CACHE_DIR ENV_DIR."""
    build_dir, cache_dir, env_dir = map(Path, arguments)
    config = read_config_vars(env_dir)
    return Place(build_dir, cache_dir, folder, config, os.environ.get("STACK", ""))


def _leave_reason(reason: str) -> None:
    """Tell the runner why, for the build's record (its file is named by KEDGE_REASON)."""
    file = os.environ.get("KEDGE_REASON")
    if file:
        Path(file).write_text(reason)


def main(work: Callable[[Place], None], arguments: list[str], folder: Path) -> int:
    """Run a buildpack's `work` and turn a refusal into its words; the exit status."""
    try:
        work(place_of(arguments, folder))
    except Refused as refused:
        screen.blank()
        screen.error(f"Error: {refused.reason}")
        _leave_reason(refused.reason)
        for line in refused.advice:
            screen.error(line)
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.flush()
    return 0
