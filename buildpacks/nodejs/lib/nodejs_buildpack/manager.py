"""The package manager of an app: which one, its version, and its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from _lib import screen
from _lib.refusal import Refused

from nodejs_buildpack.package import Package

_LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
}


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager. `install` and `prune` are command lines; an empty `prune` cannot prune.

    `fetched` is (npm package, range) of the manager itself, or None when Node brings it or the
    source holds it. `reusable` says that its installation is in node_modules folders alone.
    """

    name: str
    lock: str
    install: tuple[str, ...]
    prune: tuple[str, ...]
    fetched: tuple[str, str] | None = None
    reusable: bool = True


def choose(build_dir: Path, package: Package) -> Manager:
    """The manager the lock file belongs to.

    Raises:
        Refused: there are lock files of more than one, as on Heroku.
    """
    locks = [lock for lock in _LOCKS if (build_dir / lock).is_file()]
    if len({_LOCKS[lock] for lock in locks}) > 1:
        raise Refused(
            f"There are lock files of more than one package manager: {', '.join(locks)}.",
            "They will not agree. Remove all but one, commit and push again.",
        )
    lock = locks[0] if locks else ""
    named = package.manager[0] if package.manager else "npm"
    kind = _LOCKS.get(lock, named)
    if not lock:
        screen.error("There is no lock file: versions may differ between builds.")
        screen.error("Run `npm install` (or yarn, pnpm) and commit the lock file it writes.")
    if kind == "yarn":
        return _yarn(build_dir, package, lock)
    if kind == "pnpm":
        return _pnpm(build_dir, package, lock)
    return _npm(lock)


def _npm(lock: str) -> Manager:
    # Without a lock file none is written either: it would be the source's only by accident.
    verb = ("ci",) if lock else ("install", "--no-package-lock")
    return Manager(
        name="npm",
        lock=lock,
        install=("npm", *verb, "--include=dev"),
        prune=(
            "npm",
            "prune",
            "--omit=dev",
            "--ignore-scripts",
            *([] if lock else ["--no-package-lock"]),
        ),
    )


def _yarn(build_dir: Path, package: Package, lock: str) -> Manager:
    exact = _exact(package, "yarn")
    settings = build_dir / ".yarnrc.yml"
    if settings.is_file() or _major(exact) >= 2 or _is_berry_lock(build_dir / "yarn.lock"):
        return _berry(settings, exact or package.engine("yarn") or "4", lock)
    frozen = ("--frozen-lockfile",) if lock else ("--no-lockfile",)
    quiet = ("--non-interactive", "--ignore-engines", "--prefer-offline")
    return Manager(
        name="yarn",
        lock=lock,
        install=("yarn", "install", *frozen, *quiet, "--production=false"),
        prune=("yarn", "install", *frozen, *quiet, "--production", "--ignore-scripts"),
        fetched=("yarn", exact or package.engine("yarn") or "^1.22"),
    )


def _berry(settings: Path, wanted: str, lock: str) -> Manager:
    """Yarn 2 and newer. Its own release in the source (yarnPath) is used when there is one."""
    text = settings.read_text(errors="replace") if settings.is_file() else ""
    own = re.search(r"^yarnPath:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    modules = bool(re.search(r"^nodeLinker:\s*[\"']?node-modules", text, re.MULTILINE))
    program = ("node", own[1]) if own else ("yarn",)
    return Manager(
        name="yarn",
        lock=lock,
        install=(*program, "install", *(["--immutable"] if lock else [])),
        # Plug'n'Play cannot be pruned: `yarn run` wants every package the manifest names.
        prune=(*program, "workspaces", "focus", "--all", "--production") if modules else (),
        fetched=None if own else ("@yarnpkg/cli-dist", wanted),
        reusable=modules,
    )


def _pnpm(build_dir: Path, package: Package, lock: str) -> Manager:
    frozen = ("--frozen-lockfile",) if lock else ("--no-lockfile",)
    wanted = _exact(package, "pnpm") or package.engine("pnpm") or _pnpm_of(build_dir / lock)
    return Manager(
        name="pnpm",
        lock=lock,
        install=("pnpm", "install", *frozen, "--prefer-offline", "--prod=false"),
        prune=("pnpm", "prune", "--prod", "--ignore-scripts"),
        fetched=("pnpm", wanted),
    )


def _pnpm_of(lock: Path) -> str:
    """The pnpm that writes lock files of this version."""
    text = lock.read_text(errors="replace")[:200] if lock.is_file() else ""
    match = re.search(r"lockfileVersion:\s*['\"]?(\d+)", text)
    return {"5": "7", "6": "8"}.get(match[1], "10") if match else "10"


def _exact(package: Package, name: str) -> str:
    return package.manager[1] if package.manager and package.manager[0] == name else ""


def _major(version: str) -> int:
    match = re.match(r"\d+", version)
    return int(match[0]) if match else 0


def _is_berry_lock(lock: Path) -> bool:
    return lock.is_file() and "__metadata:" in lock.read_text(errors="replace")[:400]
