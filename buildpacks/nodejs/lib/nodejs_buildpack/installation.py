"""The installation around the app's build: whole before it, pruned after it, kept for the next."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from _lib import screen
from _lib.dependency_tree import Declaration, declare, restore, undeclare
from _lib.place import Place
from _lib.refusal import Refused

from nodejs_buildpack import modules, workspace
from nodejs_buildpack.modules import Store
from nodejs_buildpack.tools import Tools

_NO_PRUNING = (
    ("NPM_CONFIG_PRODUCTION", "false"),
    ("YARN_PRODUCTION", "false"),
    ("YARN2_SKIP_PRUNING", "true"),
    ("PNPM_SKIP_PRUNING", "true"),
)
_LAYER = "20-modules"
_PLUG_N_PLAY = (".yarn/cache", ".yarn/unplugged")


@dataclass(frozen=True, slots=True)
class Installation:
    """What has to be installed for one build, and whether an earlier one may be used."""

    place: Place
    tools: Tools
    store: Store
    reusable: bool

    def around(self, build: Callable[[], None]) -> None:
        """Install, run `build`, prune, and tell the runner which trees are dependencies.

        Raises:
            Refused: installing or building failed; an installation the build did not touch is kept.
        """
        self._install()
        before = self.store.state()
        self._declare(self.store.whole)
        try:
            build()
        except Refused:
            if self.store.state() != before:
                undeclare(_LAYER)
            raise
        undeclare(_LAYER)
        kept = self.store.whole
        if self._prunes():
            self._prune(changed=self.store.state() != before)
            kept = self.store.pruned
        if self.tools.manager.reusable:
            _drop_notes(self.place)
        self._declare(kept)

    def _declare(self, kept: Path) -> None:
        """Tell the runner about the trees, which it keeps even when the build is killed."""
        paths = modules.find(self.place.build_dir)
        if paths:
            declare(_LAYER, Declaration(paths, kept if self.reusable else None))

    def _install(self) -> None:
        manager = self.tools.manager
        name = manager.lock or "package.json"
        if self.reusable and self.store.restore():
            screen.step(f"Using the dependencies of {name} as installed before")
            for script in self.tools.package.lifecycle:
                self.tools.script(script)
            return
        screen.step(f"Installing the dependencies of {name}")
        self.tools.install()
        self.tools.bound_downloads()

    def _prunes(self) -> bool:
        config = self.place.config
        if not self.tools.manager.prune:
            return False
        if any(config.get(name, "").lower() == value for name, value in _NO_PRUNING):
            return False
        if config.get("NODE_ENV", "production") != "production":
            return False
        members = workspace.members(self.place.build_dir, self.tools.package).values()
        packages = [self.tools.package, *members]
        return any(package.has_dev_dependencies for package in packages)

    def _prune(self, *, changed: bool) -> None:
        if self.reusable:
            if not changed and self.store.swap_for_pruned():
                return
            self.store.copy_whole(changed=changed)
        screen.step("Removing what only development needs")
        if not self.tools.prune():
            screen.error("It could not be removed and stays in the slug.")


def of(place: Place, tools: Tools, runtime_version: str) -> Installation:
    """The installation of the app's lock file."""
    members = workspace.members(place.build_dir, tools.package)
    facts = workspace.installed_by(tools.package, members)
    program = " ".join(tools.manager.install)
    key = modules.key(place, facts, program, str(tools.manager.fetched), runtime_version)
    reusable = tools.manager.reusable and workspace.reusable(place.build_dir, members)
    return Installation(place, tools, modules.store_of(place, key), reusable)


def restore_plug_n_play(place: Place, tools: Tools) -> None:
    """Yarn's zip archives of the last build, where the source does not bring them."""
    if tools.manager.reusable or (place.build_dir / ".yarn/cache").exists():
        return
    kept = place.cache_dir / "nodejs" / "yarn-archives"
    restore(kept, place.build_dir)
    declare("25-archives", Declaration(_PLUG_N_PLAY, kept))


def _drop_notes(place: Place) -> None:
    """Remove the managers' notes to themselves: they hold times, and a dyno has no use for them."""
    for path in modules.find(place.build_dir):
        folder = place.build_dir / path
        for note in (folder / ".modules.yaml", *folder.glob(".pnpm-workspace-state*.json")):
            note.unlink(missing_ok=True)
        if path != "node_modules":  # the root's tool cache is kept for the next build
            shutil.rmtree(folder / ".cache", ignore_errors=True)
    for name in ("install-state.gz", "build-state.yml"):
        (place.build_dir / ".yarn" / name).unlink(missing_ok=True)
