"""Yarn or pnpm itself, from the npm registry, as a tree of its own beside Node's."""

from __future__ import annotations

from pathlib import Path

from _lib import dependency_tree, screen
from _lib.npm_registry import Registry
from _lib.place import Place
from _lib.refusal import Refused
from _lib.version_range import InvalidRange, Version, matcher, show

from nodejs_buildpack.manager import Manager

_PROGRAMS = {
    "yarn": ("bin/yarn.js", "lib/cli.js"),
    "@yarnpkg/cli-dist": ("bin/yarn.js",),
    "pnpm": ("bin/pnpm.cjs", "bin/pnpm.mjs"),
}


def install(place: Place, registry: Registry, manager: Manager, node: Version) -> None:
    """Put the manager at `.heroku/NAME`, unless Node or the source bring it.

    Raises:
        Refused: no such version, or it cannot be fetched.
    """
    if manager.fetched is None:
        return
    package, wanted = manager.fetched
    chosen = _choose(registry, package, wanted, node)
    screen.step(f"Using {manager.name} {show(chosen)}")
    tree = f".heroku/{manager.name}"
    kept = place.cache_dir / "nodejs" / manager.name / show(chosen)
    if not dependency_tree.restore(kept, place.build_dir):
        target = place.build_dir / tree
        registry.unpack(package, chosen, target / "package")
        _link(target, manager.name, package)
    dependency_tree.forget_others(kept)
    dependency_tree.declare("15-manager", dependency_tree.Declaration((tree,), kept))


def _choose(registry: Registry, package: str, wanted: str, node: Version) -> Version:
    """The newest version in the range that runs on this Node."""
    try:
        fits = matcher(wanted)
    except InvalidRange as error:
        raise Refused(
            f"package.json asks for {package} {wanted}, which is no version range."
        ) from error
    versions = registry.versions(package)
    fitting = [version for version in versions if fits(version)]
    running = [v for v in fitting if _runs_on(versions[v].get("engines"), node)]
    if not running:
        raise Refused(
            f"There is no {package} {wanted} that runs on Node.js {show(node)}.",
            "Change `packageManager` or `engines` in package.json.",
        )
    return max(running)


def _runs_on(engines: object, node: Version) -> bool:
    wanted = engines.get("node") if isinstance(engines, dict) else None
    try:
        return matcher(str(wanted))(node) if wanted else True
    except InvalidRange:
        return True


def _link(target: Path, name: str, package: str) -> None:
    program = next(path for path in _PROGRAMS[package] if (target / "package" / path).exists())
    (target / "package" / program).chmod(0o755)
    (target / "bin").mkdir()
    (target / "bin" / name).symlink_to(f"../package/{program}")
