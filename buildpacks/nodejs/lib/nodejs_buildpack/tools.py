"""Node's tools in a build: one environment for the package manager and the app's scripts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from _lib import download_cache, screen, tool
from _lib.place import Place
from _lib.refusal import Refused

from nodejs_buildpack.manager import Manager
from nodejs_buildpack.package import Package
from nodejs_buildpack.runtime import NODE, Runtime


@dataclass(frozen=True, slots=True)
class Tools:
    """The package manager and `node`, with the app's config vars and caches that are kept."""

    place: Place
    package: Package
    manager: Manager
    env: dict[str, str]

    def install(self) -> None:
        """Install everything the lock file names, for development too: builds need it.

        Raises:
            Refused: the package manager failed.
        """
        if self._run(self.manager.install, asks_nothing=True) != 0:
            raise Refused(
                f"The dependencies could not be installed by {self.manager.name}.",
                f"What {self.manager.name} says above names the cause. If the lock file",
                f"does not fit package.json, run `{self.manager.name} install` on your machine",
                f"and commit {self.manager.lock or 'the lock file'}.",
            )

    def bound_downloads(self) -> None:
        """Keep the package managers' downloads from growing without end."""
        for name in ("npm", "yarn", "pnpm"):
            download_cache.bound(self.place.cache_dir / name)

    def prune(self) -> bool:
        """Remove what only development needs; False when the package manager could not."""
        return self._run(self.manager.prune, asks_nothing=True) == 0

    def script(self, name: str) -> bool:
        """Run a script of package.json if there is one; whether there was.

        Raises:
            Refused: it failed.
        """
        if name not in self.package.scripts:
            return False
        screen.detail(f"Running {name}")
        # npm runs scripts alike for all managers; the name in use may matter to the script.
        if self._run((self.manager.name, "run", name)) != 0:
            raise Refused(
                f"The script {name} in package.json failed.",
                "The output above says where. Does it run on your machine after `npm ci`?",
            )
        return True

    def _run(self, arguments: tuple[str, ...], *, asks_nothing: bool = False) -> int:
        """Run a program. CI keeps package managers from asking; for an app's own build it would
        turn warnings into errors, and Heroku does not set it.
        """
        env = {**self.env, "CI": "true"} if asks_nothing else self.env
        status, _ = tool.run_shown(arguments, env=env, cwd=self.place.build_dir)
        if status == 137:
            screen.error("It was killed: most likely the build needed more memory than it may use.")
        return status


def _pnpm_settings(cache: Path) -> dict[str, str]:
    """Pnpm 10 and older read npm's variables, newer ones their own."""
    settings = {"store_dir": str(cache / "pnpm"), "manage_package_manager_versions": "false"}
    prefixes = ("npm_config_", "pnpm_config_")
    return {f"{prefix}{name}": value for prefix in prefixes for name, value in settings.items()}


def tools_of(place: Place, package: Package, runtime: Runtime, manager: Manager) -> Tools:
    """The tools of one build."""
    cache = place.cache_dir
    bins = [f"{place.build_dir}/{NODE}/bin", f"{place.build_dir}/.heroku/{manager.name}/bin"]
    own = {
        "PATH": ":".join([*bins, os.environ["PATH"]]),
        "NODE_ENV": place.config.get("NODE_ENV", "production"),
        "npm_config_cache": str(cache / "npm"),
        "npm_config_prefer_offline": "true",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "YARN_CACHE_FOLDER": str(cache / "yarn") if manager.reusable else "",
        "YARN_GLOBAL_FOLDER": str(cache / "yarn"),
        "YARN_ENABLE_GLOBAL_CACHE": "true" if manager.reusable else "false",
        "YARN_ENABLE_TELEMETRY": "0",
        "YARN_ENABLE_PROGRESS_BARS": "0",
        "COREPACK_ENABLE_STRICT": "0",
        **(_pnpm_settings(cache) if manager.name == "pnpm" else {}),
    }
    runtime.lend_headers(Path(place.tool_env()["HOME"]))
    env = place.app_env(**{name: value for name, value in own.items() if value})
    return Tools(place, package, manager, env)
