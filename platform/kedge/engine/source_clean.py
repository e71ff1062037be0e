"""From an archive somebody sent to a plain tar a build can unpack without looking."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from kedge.engine.source_archive import members
from kedge.engine.source_tree import Tree, inside, name_of
from kedge.errors import Unavailable

# The largest time a plain header holds: eleven octal digits.
MOST_SECONDS = 8**11 - 1


@dataclass(frozen=True, slots=True)
class CleanedSource:
    """A checked, plain tar: how many members and bytes of content, and the folder taken off."""

    path: Path
    members: int
    content_bytes: int
    leading_folder: str | None


def clean(
    archive: Path, target: Path, *, limit_bytes: int, strip_leading_folder: bool = True
) -> CleanedSource:
    """Check an archive and write it as a plain tar: no `.git`, no owners, no setuid.

    Everything within one folder is taken out of it, unless told not to. The archive is read twice:
    once to check all of it, so that nothing is written of one that is refused.

    Raises:
        BuildFailed: the archive cannot be read, is too large, or holds what no source may.
        Unavailable: the disk is full.
    """
    tree = Tree()
    with members(archive, limit_bytes) as found:
        for member in found:
            tree.add(member.info)
    folder = tree.leading_folder() if strip_leading_folder else None
    tree.check(folder)
    part = target.with_name(f".part-{target.name}")
    try:
        count, content_bytes = _write(archive, part, limit_bytes, folder)
        part.replace(target)
    except OSError as error:
        raise Unavailable(
            f"The source could not be unpacked: {error.strerror or error}. Make room in "
            f"{target.parent} (`kedge doctor` shows what uses the disk) and try again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return CleanedSource(target, count, content_bytes, folder)


def _write(archive: Path, into: Path, limit_bytes: int, folder: str | None) -> tuple[int, int]:
    count = content_bytes = 0
    with (
        members(archive, limit_bytes) as found,
        tarfile.open(into, "w", format=tarfile.GNU_FORMAT) as out,
    ):
        for member in found:
            name = inside(name_of(member.info), folder)
            if name:
                header = _header(member.info, name, folder)
                out.addfile(header, member.open())
                vars(out)["members"].clear()  # else all stay in memory
                count += 1
                content_bytes += header.size
    return count, content_bytes


def _header(given: tarfile.TarInfo, name: str, folder: str | None) -> tarfile.TarInfo:
    header = plain_header(given, name)
    if given.islnk():
        header.linkname = inside(plain_path(given.linkname), folder)
    return header


def plain_header(given: tarfile.TarInfo, name: str) -> tarfile.TarInfo:
    """A header with what an app needs, and nothing of the machine the archive was made on."""
    header = tarfile.TarInfo(name)
    header.mtime = int(min(max(given.mtime, 0), MOST_SECONDS))
    if given.isdir():
        header.type, header.mode = tarfile.DIRTYPE, given.mode & 0o777 | 0o700
    elif given.issym():
        header.type, header.mode, header.linkname = tarfile.SYMTYPE, 0o777, given.linkname
    else:
        header.mode = given.mode & 0o777 | 0o600
        if given.islnk():
            header.type = tarfile.LNKTYPE
            header.linkname = plain_path(given.linkname)
        else:
            header.size = given.size
    return header


def plain_path(path: str) -> str:
    """`./a//b` as `a/b`."""
    return "/".join(part for part in path.split("/") if part not in {"", "."})
