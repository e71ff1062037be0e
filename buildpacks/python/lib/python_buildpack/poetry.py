"""poetry.lock: read by Poetry itself, which uv runs, and installed by uv."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from python_buildpack.uv import Uv

_POETRY = "poetry>=2,<3"
_EXPORT = "poetry-plugin-export>=1.8,<2"


def export(uv: Uv, target: Path) -> None:
    """Write the lock file's main packages to `target` as requirements with hashes.

    Poetry refuses a lock file that does not fit its pyproject.toml, in its own words.
    """
    uv.tool_run(
        *("--from", _POETRY, "--with", _EXPORT),
        *("poetry", "export", "--only", "main", "--no-interaction", "--output", str(target)),
    )


def has_package(build_dir: Path) -> bool:
    """Whether the project is a package that is installed too (Poetry's package mode, with a
    package to be found), and not only a list of dependencies.
    """
    settings = tomllib.loads((build_dir / "pyproject.toml").read_text())
    poetry = settings.get("tool", {}).get("poetry", {})
    if "build-system" not in settings or poetry.get("package-mode") is False:
        return False
    name = settings.get("project", {}).get("name") or poetry.get("name", "")
    module = re.sub(r"[-.]+", "_", name).lower()
    places = (build_dir / module, build_dir / "src" / module, build_dir / f"{module}.py")
    return bool(poetry.get("packages")) or any(place.exists() for place in places if module)
