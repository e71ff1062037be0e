"""The source, unpacked into the build folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from _lib.refusal import Refused


def unpack(source_tar: Path, build_dir: Path, *, commit_time: int) -> None:
    """Unpack a plain tar; every file gets the commit's time.

    One time for all means that what a build derives from times (pyc files) holds in the slug too.

    Raises:
        Refused: the file is no tar, or names something outside the folder.
    """
    build_dir.mkdir(parents=True, exist_ok=True)
    tar = ["tar", "-xf", str(source_tar), "-C", str(build_dir), "--no-same-owner"]
    unpacking = subprocess.run(tar, capture_output=True, text=True, check=False, errors="replace")
    if unpacking.returncode != 0:
        raise Refused(
            "The source could not be unpacked.",
            *unpacking.stderr.splitlines()[-5:],
            "Send a plain or gzipped tar archive of regular files, folders and links.",
        )
    # An archive may hold files that their owner cannot read; a build has to.
    subprocess.run(["chmod", "-R", "u+rwX", f"{build_dir}/."], check=True)
    remove(build_dir / ".git")
    _stamp(build_dir, commit_time)


def remove(path: Path) -> None:
    """Remove a file, link or whole folder; what is not there is no error."""
    if path.is_dir() and not path.is_symlink():
        _make_writable(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make_writable(folder: Path) -> None:
    """Let folders that were made read-only (as Go's module cache is) be removed."""
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            child = Path(parent, name)
            if not child.is_symlink() and not os.access(child, os.W_OK | os.X_OK):
                child.chmod(0o700)


def _stamp(folder: Path, seconds: int) -> None:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.utime(os.path.join(parent, name), (seconds, seconds), follow_symlinks=False)  # noqa: PTH118
