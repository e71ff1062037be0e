"""The acceptance of a push, should git not come to it: its objects kept, its branch moved.

Until the pre-receive hook has ended, git keeps what was pushed in quarantine, and removes it when
anything goes wrong (https://git-scm.com/docs/git-receive-pack#_quarantine_environment). But a
release of it may be live by then. So its objects are put into the repository before the build
begins, as git itself does it later on: by links, which take no time and no room. What is not
accepted in the end is reachable from nowhere, and goes with `git gc`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kedge.errors import Unavailable

NOWHERE = "0" * 40
# Git reads a pack as soon as its index is there.
PACK_SUFFIXES = (".pack", ".rev", ".idx")


def keep_objects(repository: Path, quarantine: Path) -> None:
    """Have the repository keep the objects in quarantine, whatever becomes of the push.

    Raises:
        Unavailable: the disk is full.
    """
    objects = repository / "objects"
    try:
        for source in (*_packs(quarantine / "pack"), *_loose(quarantine)):
            _link(source, objects / source.relative_to(quarantine))
    except OSError as error:
        raise Unavailable(
            f"What was pushed could not be kept: {error.strerror or error}. Make room on the "
            "server's disk (`kedge doctor` shows what uses it) and push again."
        ) from error


def move_ref(repository: Path, ref: str, old: str, new: str) -> bool:
    """Move a branch from one commit to another (all zeros: it is new), if it points there.

    False: it should have been moved, and could not be.
    """
    git = ["git", "-C", str(repository)]
    now = _said([*git, "rev-parse", "--verify", "--quiet", ref]) or NOWHERE
    return now != old or _said([*git, "update-ref", ref, new, old]) is not None


def _packs(folder: Path) -> Iterable[Path]:
    """Each pack's files, its index last."""
    for suffix in PACK_SUFFIXES:
        yield from sorted(folder.glob(f"pack-*{suffix}"))


def _loose(quarantine: Path) -> Iterable[Path]:
    return sorted(quarantine.glob("[0-9a-f][0-9a-f]/*"))


def _link(source: Path, target: Path) -> None:
    """A second name for a file; a copy where a file can have but one."""
    if target.exists():
        os.utime(target)  # as git does: what is wanted anew is not old any more
        return
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except PermissionError:  # a file system without hard links
        part = target.with_name(f"tmp_obj_{target.name}")  # `git gc` knows these, and drops them
        shutil.copy2(source, part)
        part.replace(target)


def _said(command: list[str]) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    return done.stdout.strip() if done.returncode == 0 else None


def _environment() -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**keep, "GIT_CONFIG_NOSYSTEM": "1"}
