"""Dependency trees: what a build installs, as against what the app's own source is.

A buildpack declares the trees it installed (`.heroku/python`, `node_modules`). Each declaration
becomes one layer of the slug, apart from the source's layer. When a tree is the same as in the
last build, it is neither written nor hashed again, and the engine loads nothing.

The convention, for buildpacks in any language: write a file `$KEDGE_DEPENDENCIES/<name>.json`
    {"paths": ["node_modules"], "keep_in": "/build/cache/nodejs/3f2a"}
`paths` are relative to BUILD_DIR and make one layer together; files are written in the order of
their names. With `keep_in`, a folder in CACHE_DIR, the runner moves the trees there when the
build is over, successful or not, and the next build can take them from there by `restore`.
Without, they are dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PATHS_FILE = "paths.json"


@dataclass(frozen=True, slots=True)
class Declaration:
    """Trees that make one layer together; `keep_in` is where they stay until the next build."""

    paths: tuple[str, ...]
    keep_in: Path | None = None


def declare(name: str, declaration: Declaration) -> None:
    """Tell the runner about installed trees. Names order the layers: `10-node`, `20-modules`."""
    folder = Path(os.environ["KEDGE_DEPENDENCIES"])
    keep_in = str(declaration.keep_in) if declaration.keep_in else None
    content = {"paths": list(declaration.paths), "keep_in": keep_in}
    part = folder / f"{name}.part"
    part.write_text(json.dumps(content))
    part.replace(folder / f"{name}.json")


def undeclare(name: str) -> None:
    """Take a declaration back."""
    (Path(os.environ["KEDGE_DEPENDENCIES"]) / f"{name}.json").unlink(missing_ok=True)


def declared(folder: Path) -> list[Declaration]:
    """All declarations in the order of their names."""
    found = []
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text())
        keep_in = content.get("keep_in")
        found.append(Declaration(tuple(content["paths"]), Path(keep_in) if keep_in else None))
    return found


def keep(declaration: Declaration, build_dir: Path) -> None:
    """Move trees from the build folder to where they are kept, by rename."""
    keep_in = declaration.keep_in
    paths = [path for path in declaration.paths if (build_dir / path).is_dir()]
    if keep_in is None or not paths:
        return
    shutil.rmtree(keep_in, ignore_errors=True)
    keep_in.mkdir(parents=True)
    for index, path in enumerate(paths):
        (build_dir / path).rename(keep_in / str(index))
    (keep_in / _PATHS_FILE).write_text(json.dumps(paths))


def restore(keep_in: Path, build_dir: Path) -> tuple[str, ...]:
    """Move kept trees back into the build folder; their paths, or () when there are none to be had.

    What the source itself has at those paths gives way.
    """
    try:
        paths = json.loads((keep_in / _PATHS_FILE).read_text())
    except FileNotFoundError:
        return ()
    (keep_in / _PATHS_FILE).unlink()
    for index, path in enumerate(paths):
        target = build_dir / path
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        (keep_in / str(index)).rename(target)
    return tuple(paths)


def forget_others(kept: Path) -> None:
    """Drop what is kept beside `kept`: trees for other lock files or versions."""
    for other in kept.parent.iterdir() if kept.parent.is_dir() else ():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)


def key_of(parts: Iterable[str | bytes]) -> str:
    """A short name for everything that decides what a tree holds."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:24]


def fingerprint(trees: Iterable[Path], *, leave_out: frozenset[str] = frozenset()) -> str:
    """A digest of paths, modes, sizes, times and link targets: equal when nothing was touched.

    `leave_out` are names of folders that do not count (`.cache`).
    """
    digest = hashlib.sha256()
    for tree in trees:
        for line in _entries(tree, "", leave_out):
            digest.update(line)
    return digest.hexdigest()


def _entries(root: Path, folder: str, leave_out: frozenset[str]) -> Iterator[bytes]:
    with os.scandir(root / folder) as scan:
        entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            if entry.name not in leave_out:
                yield f"{path}\0{status.st_mode}\n".encode(errors="surrogateescape")
                yield from _entries(root, path, leave_out)
        else:
            link = str(Path(entry.path).readlink()) if stat.S_ISLNK(status.st_mode) else ""
            facts = f"{path}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\0{link}\n"
            yield facts.encode(errors="surrogateescape")
