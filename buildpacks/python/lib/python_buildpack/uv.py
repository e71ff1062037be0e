"""uv, as this buildpack calls it."""

from __future__ import annotations

import os
from pathlib import Path

from _lib import tool
from _lib.place import Place
from _lib.refusal import Refused

VENV = ".heroku/python"

# What an app's config vars may say to the installer: where packages come from, and how.
_PASSED_ON = ("UV_", "PIP_")


class Uv:
    """Calls uv for one build, with the app's virtual environment and a cache that is kept."""

    def __init__(self, place: Place, interpreter: str) -> None:
        self._place = place
        self._venv = place.build_dir / VENV
        settings = {
            "UV_HTTP_TIMEOUT": "60",
            **installer_settings(place.config),
            "UV_CACHE_DIR": str(place.cache_dir / "uv"),
            "UV_LINK_MODE": "hardlink",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON": interpreter,
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_PROJECT_ENVIRONMENT": str(self._venv),
            "VIRTUAL_ENV": str(self._venv),
        }
        self._env = place.tool_env(**settings)

    def version(self) -> str:
        """Uv's own version; a different one may lay files out differently."""
        return tool.output_of(["uv", "--version"], env=self._env, cwd=Path("/")).split()[1]

    def make_environment(self) -> None:
        """An empty virtual environment at its final place."""
        self._run("venv", "--no-project", "--no-config", "--clear", "--quiet", str(self._venv))

    def pip_install(self, *arguments: str) -> None:
        """`uv pip install` into the environment."""
        environment = ("--python", str(self._venv / "bin/python"))
        # As pip does: the best version of all indexes, not the first index that has any.
        strategy = ("--index-strategy", "unsafe-best-match")
        self._run("pip", "install", *environment, *strategy, *arguments)

    def sync(self) -> None:
        """`uv sync`: the locked packages without groups for development, and the project itself."""
        self._run("sync", "--locked", "--no-default-groups")

    def tool_run(self, *arguments: str) -> None:
        """`uv tool run`: a program from the package index, in a cached environment of its own."""
        self._run("tool", "run", "--no-config", *arguments)

    def _run(self, *arguments: str) -> None:
        command = ["uv", *arguments]
        status, _ = tool.run_shown(command, env=self._env, cwd=self._place.build_dir)
        if status != 0:
            raise Refused(
                "The dependencies could not be installed.",
                "What uv says above names the cause. After a change, try it on your machine first,",
                "commit and push again.",
                *_killed(status),
            )


def _killed(status: int) -> tuple[str, ...]:
    return (
        ("It was killed: most likely the build needed too much memory.",) if status == 137 else ()
    )


def installer_settings(config: dict[str, str]) -> dict[str, str]:
    """Of the config vars, uv's own settings, and pip's two about indexes as uv knows them."""
    settings = {name: value for name, value in config.items() if name.startswith(_PASSED_ON)}
    if "PIP_INDEX_URL" in config:
        settings.setdefault("UV_DEFAULT_INDEX", config["PIP_INDEX_URL"])
    if "PIP_EXTRA_INDEX_URL" in config:
        settings.setdefault("UV_INDEX", config["PIP_EXTRA_INDEX_URL"])
    return settings


def pythons_environment() -> dict[str, str]:
    """What the app's own code needs to find its packages in a build."""
    return {"PATH": f"/app/{VENV}/bin:{os.environ['PATH']}"}
