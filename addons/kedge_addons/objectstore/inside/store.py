"""The objects of one store as files: how much there is, and what is where.

rclone keeps an object at the path that is its key, below a folder for each bucket; what is still
being uploaded has a name that begins with `.rclone_temp_`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNFINISHED = ".rclone_temp_"
PAGE = 200


class Store:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.objects = folder / "objects"
        self._keys = folder / "keys.json"

    def usage(self) -> dict[str, int]:
        """How many objects there are, and what they take, with what is being uploaded, in bytes."""
        count, size = 0, 0
        for entry in _files(self.objects):
            try:
                size += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # deleted meanwhile
                continue
            count += not entry.name.startswith(UNFINISHED)
        return {"objects": count, "size_bytes": size}

    def listed(self, path: str, after: str = "") -> dict[str, Any] | None:
        """What is directly below a path: folders and objects by name, and whether there is more.

        Args:
            path: `bucket/folder`, or nothing for the buckets.
            after: the name after which to begin.

        Returns:
            None: there is no such folder.
        """
        folder = self._at(path)
        if folder is None or not folder.is_dir():
            return None
        with os.scandir(folder) as entries:
            names = sorted(each.name for each in entries if not each.name.startswith(UNFINISHED))
        beyond = [name for name in names if name > after]
        shown = [_told(folder / name) for name in beyond[:PAGE]]
        return {"entries": [each for each in shown if each], "has_more": len(beyond) > PAGE}

    def object(self, path: str) -> Path | None:
        """The file of an object; None when there is none."""
        found = self._at(path)
        return found if found is not None and found.is_file() else None

    def sweep(self) -> None:
        """Remove what killed uploads left: nobody was told that it is there."""
        for entry in _files(self.objects):
            if entry.name.startswith(UNFINISHED):
                Path(entry.path).unlink(missing_ok=True)

    def keep_keys(self, keys: list[dict[str, Any]]) -> None:
        """Let these in, and nobody else: `id`, `secret`, `until` (seconds, or null)."""
        written = self._keys.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps(keys))
        written.replace(self._keys)

    def keys(self) -> list[tuple[str, str]]:
        """Who is let in now, as (id, secret); nobody, before anybody was named."""
        try:
            listed = json.loads(self._keys.read_text())
        except FileNotFoundError:
            return []
        good = [each for each in listed if each["until"] is None or each["until"] > time.time()]
        return [(each["id"], each["secret"]) for each in good]

    def _at(self, path: str) -> Path | None:
        """A path below the objects, None for any other."""
        parts = [part for part in path.split("/") if part]
        if any(part in {".", ".."} or "\0" in part for part in parts):
            return None
        found = self.objects.joinpath(*parts)
        return found if found.resolve().is_relative_to(self.objects.resolve()) else None


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        yield entry
        except FileNotFoundError:  # emptied folders go
            continue


def _told(file: Path) -> dict[str, Any] | None:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    is_folder = file.is_dir()
    name = file.name.encode("utf-8", "replace").decode()
    return {"name": name, "is_folder": is_folder, "at": seen.st_mtime,
            "size": None if is_folder else seen.st_size}  # fmt: skip
