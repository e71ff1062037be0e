"""Workspaces: other package.json files that one installation serves."""

from __future__ import annotations

import os
from pathlib import Path

from nodejs_buildpack.package import Package, read

_PASSED_OVER = frozenset({".git", ".heroku", "node_modules", ".yarn"})


def members(build_dir: Path, root: Package) -> dict[str, Package]:
    """The packages below the root, by path; none when the root declares no workspaces."""
    if "workspaces" not in root.fields and not (build_dir / "pnpm-workspace.yaml").is_file():
        return {}
    found: dict[str, Package] = {}
    for folder, folders, files in os.walk(build_dir):
        folders[:] = sorted(set(folders) - _PASSED_OVER)
        path = Path(folder)
        if "package.json" in files and path != build_dir:
            found[str(path.relative_to(build_dir))] = read(path / "package.json")
    return found


def installed_by(root: Package, packages: dict[str, Package]) -> str:
    """All that decides an installation, of the root and its members, as one text."""
    parts = [root.installed_by()]
    parts += [f"{path}\0{package.installed_by()}" for path, package in packages.items()]
    return "\0".join(parts)


def reusable(build_dir: Path, packages: dict[str, Package]) -> bool:
    """Whether a kept installation can stand in for a new one.

    Not when members have scripts of their own for the installation, nor when the root is itself a
    native add-on: both make files outside node_modules.
    """
    if (build_dir / "binding.gyp").exists():
        return False
    return not any(package.lifecycle for package in packages.values())
