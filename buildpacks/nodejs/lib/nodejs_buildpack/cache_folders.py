"""Folders that build tools fill for their next run: kept between builds, absent from the slug."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from _lib import screen
from _lib.place import Place

from nodejs_buildpack.package import Package

_ALWAYS = ("node_modules/.cache", ".next/cache")


def folders(package: Package) -> list[str]:
    """The tools' usual ones and `cacheDirectories` of package.json; never outside the source."""
    named = [folder for folder in package.cache_folders if _is_inside(folder)]
    return list(dict.fromkeys([*_ALWAYS, *named]))


def _is_inside(folder: str) -> bool:
    path = PurePosixPath(folder)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _kept(place: Place, folder: str) -> Path:
    return place.cache_dir / "nodejs" / "folders" / folder.replace("/", "__")


def restore(place: Place, package: Package) -> None:
    """Move the folders of the last build into the source."""
    for folder in folders(package):
        kept, target = _kept(place, folder), place.build_dir / folder
        if kept.is_dir() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            kept.rename(target)


def keep(place: Place, package: Package) -> None:
    """Move the tools' folders out of the source, and copy the ones package.json names, which the
    app may read when it runs.
    """
    for folder in folders(package):
        source, kept = place.build_dir / folder, _kept(place, folder)
        if not source.is_dir():
            continue
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if folder in _ALWAYS:
            source.rename(kept)
        else:
            screen.detail(f"Keeping {folder} for the next build")
            shutil.copytree(source, kept, symlinks=True)
