"""node_modules: installed, or taken from the last build; whole for the build, pruned for the
slug.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _lib import dependency_tree
from _lib.dependency_tree import Declaration, fingerprint, key_of
from _lib.place import Place

# Written by build tools as they like; neither part of an installation nor of a slug.
CACHE = frozenset({".cache"})
_PASSED_OVER = frozenset({".git", ".heroku", ".yarn"})
_SETTINGS = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc",
    ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs",
)  # fmt: skip
_CHANGED = "changed-by-build"


def find(build_dir: Path) -> tuple[str, ...]:
    """All outermost node_modules folders: the root's, and those of workspaces."""
    return tuple(sorted(_find(build_dir, "")))


def _find(root: Path, folder: str) -> Iterator[str]:
    with os.scandir(root / folder) as entries:
        children = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for name in children:
        path = f"{folder}/{name}" if folder else name
        if name == "node_modules":
            yield path
        elif name not in _PASSED_OVER:
            yield from _find(root, path)


def key(place: Place, installed_by: str, *facts: str) -> str:
    """A name for everything an installation depends on."""
    parts = [place.version, place.stack, installed_by, *facts]
    for name in _SETTINGS:
        file = place.build_dir / name
        parts.append(file.read_text(errors="replace") if file.is_file() else "")
    patches = place.build_dir / "patches"
    files = sorted(patches.rglob("*")) if patches.is_dir() else []
    parts += [
        f"{file.name}\0{file.read_text(errors='replace')}" for file in files if file.is_file()
    ]
    parts += [f"{name}={value}" for name, value in place.config.items() if _counts(name)]
    return key_of(parts)


def _counts(name: str) -> bool:
    return name.upper().startswith(("NPM_CONFIG_", "YARN_", "PNPM_")) or name == "NODE_ENV"


@dataclass(frozen=True, slots=True)
class Store:
    """The two forms of an installation that are kept: as the build needs it, as the slug has it."""

    build_dir: Path
    whole: Path
    pruned: Path

    def restore(self) -> bool:
        """Bring the whole form back; False when there is none."""
        return bool(dependency_tree.restore(self.whole, self.build_dir))

    def state(self) -> str:
        """What the trees look like now, but for tools' caches."""
        trees = [self.build_dir / path for path in find(self.build_dir)]
        return fingerprint(trees, leave_out=CACHE)

    def keep_whole(self, *, changed: bool) -> None:
        """Move the trees away as they are; `changed` says the build wrote into them."""
        dependency_tree.keep(Declaration(find(self.build_dir), self.whole), self.build_dir)
        if changed and self.whole.is_dir():
            (self.whole / _CHANGED).touch()

    def copy_whole(self, *, changed: bool) -> None:
        """Keep the whole form and leave the like in place, sharing the files' bytes.

        Package managers rewrite their own dot files in place, so those are not shared.
        """
        paths = find(self.build_dir)
        self.keep_whole(changed=changed)
        for index, path in enumerate(paths):
            kept, target = self.whole / str(index), self.build_dir / path
            subprocess.run(["cp", "-al", str(kept), str(target)], check=True)
            for file in target.glob(".*"):
                if file.is_file() and not file.is_symlink():
                    file.unlink()
                    shutil.copy2(kept / file.name, file)

    def swap_for_pruned(self) -> bool:
        """Put the pruned form of an earlier build in place of an untouched whole one."""
        was_changed = (self.whole / _CHANGED).exists()
        if was_changed or not (self.pruned / "paths.json").exists():
            return False
        self.keep_whole(changed=False)
        return bool(dependency_tree.restore(self.pruned, self.build_dir))


def store_of(place: Place, name: str) -> Store:
    """The store of the installation called `name`, with those of other names forgotten."""
    root = place.cache_dir / "nodejs"
    store = Store(place.build_dir, root / "whole" / name, root / "pruned" / name)
    dependency_tree.forget_others(store.whole)
    dependency_tree.forget_others(store.pruned)
    return store
