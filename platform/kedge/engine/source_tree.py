"""The rules for what may lie in an archive (a source, or a slug): names, links, kinds. No I/O."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from typing import Literal

from kedge.errors import BuildFailed

Kind = Literal["file", "folder", "symbolic link", "hard link"]

MOST_PATH_BYTES = 4096
MOST_NAME_BYTES = 255
MOST_TARGET_BYTES = 1024
# As Linux: a path that passes more links than that leads nowhere (ELOOP).
MOST_HOPS = 40
DROPPED = frozenset({".git"})


class Tree:
    """What an archive holds, member by member; then whether it may all be unpacked."""

    def __init__(self, noun: str = "source") -> None:
        """`noun` is what the archive is called in the words of a refusal."""
        self.noun = noun
        self._kinds: dict[str, Kind] = {}
        self._targets: dict[str, str] = {}

    def add(self, info: tarfile.TarInfo) -> None:
        """Take in the next member.

        Raises:
            BuildFailed: its name, kind or target is not allowed; the message names it.
        """
        name, kind = name_of(info), _kind_of(info)
        if not name:
            return
        before = self._kinds.setdefault(name, kind)
        target = _target_of(info, kind)
        if before != kind or self._targets.get(name, target) != target:
            raise BuildFailed(
                f"{shown(name)} is in the {self.noun} twice, and not as the same thing."
            )
        if kind == "hard link" and self._kinds.get(target) not in {"file", "hard link"}:
            raise BuildFailed(
                f"{shown(name)} is a hard link to {shown(target)}, which is no file before it in "
                f"the {self.noun}. Replace the link by the file."
            )
        if kind.endswith("link"):
            self._targets[name] = target

    def leading_folder(self) -> str | None:
        """The one folder everything lies in, as in GitHub's archives; None when there is none."""
        tops = {name.partition("/")[0] for name in self._kinds}
        if len(tops) != 1:
            return None
        top = tops.pop()
        return top if self._kinds.get(top, "folder") == "folder" else None

    def check(self, folder: str | None) -> None:
        """Whether all of it stays within `folder`, or within the archive.

        Raises:
            BuildFailed: a link leads out, or a member lies under something that is no folder.
        """
        kept = {name: self._targets.get(name, "") for name in self._kinds if inside(name, folder)}
        if not any(self._kinds[name] != "folder" for name in kept):
            raise BuildFailed("The source holds no files. Commit some, and push or upload again.")
        links = {
            inside(name, folder): target
            for name, target in kept.items()
            if self._kinds[name] == "symbolic link"
        }
        for name, target in kept.items():
            self.check_parents(name)
            if self._kinds[name] == "symbolic link":
                _check_link(inside(name, folder), target, links)
            elif self._kinds[name] == "hard link" and not inside(target, folder):
                raise BuildFailed(f"{shown(name)} is a hard link to {shown(target)}, left out.")

    def symbolic_links(self) -> Mapping[str, str]:
        """Targets of the symbolic links, by name."""
        return {k: v for k, v in self._targets.items() if self._kinds[k] == "symbolic link"}

    def kinds(self) -> Mapping[str, Kind]:
        """What each member is, by name."""
        return self._kinds

    def check_parents(self, name: str) -> None:
        """Whether all that a member lies under is folders. Raises BuildFailed."""
        parent = name.rpartition("/")[0]
        while parent:
            kind = self._kinds.get(parent, "folder")
            if kind != "folder":
                raise BuildFailed(
                    f"{shown(name)} lies under {shown(parent)}, which is a {kind} and no folder."
                )
            parent = parent.rpartition("/")[0]


def name_of(info: tarfile.TarInfo) -> str:
    """A member's path, plain: `./a//b/` is `a/b`, the root is "". Raises BuildFailed."""
    return _plain(info.name, f"{shown(info.name)} has a name")


def inside(name: str, folder: str | None) -> str:
    """A path as seen from the folder; "" for the folder itself, and for what is left out."""
    parts = name.split("/")
    if not DROPPED.isdisjoint(parts):
        return ""
    return name if folder is None else "/".join(parts[1:])


def shown(name: str) -> str:
    """A name as it can be shown: printable, and not too long."""
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name[:200])
    return printable + ("…" if len(name) > 200 else "")


def _plain(path: str, subject: str) -> str:
    _check_characters(path, subject)
    if path.startswith("/"):
        raise BuildFailed(f"{subject} that begins with a slash. Only paths within it are taken.")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BuildFailed(f"{subject} with `..` in it. Only paths within the archive are taken.")
    if any(len(part.encode()) > MOST_NAME_BYTES for part in parts):
        raise BuildFailed(f"{subject} longer than {MOST_NAME_BYTES} bytes. Shorten it.")
    return "/".join(parts)


def _check_characters(path: str, subject: str) -> None:
    try:
        size_bytes = len(path.encode())
    except UnicodeEncodeError:
        raise BuildFailed(f"{subject} that is not UTF-8. Rename it.") from None
    if "\0" in path:
        raise BuildFailed(f"{subject} with a NUL in it. Rename it.")
    if size_bytes > MOST_PATH_BYTES:
        raise BuildFailed(f"{subject} longer than {MOST_PATH_BYTES} bytes. Shorten it.")


def _kind_of(info: tarfile.TarInfo) -> Kind:
    if info.isdir():
        return "folder"
    if info.issym():
        return "symbolic link"
    if info.islnk():
        return "hard link"
    if info.issparse():
        raise BuildFailed(f"{shown(info.name)} is packed as a sparse file. Pack it without that.")
    if info.isreg() and info.size >= 0:
        return "file"
    raise BuildFailed(
        f"{shown(info.name)} is a device, pipe or something else that is neither file, folder nor "
        "link. Leave it out."
    )


def _target_of(info: tarfile.TarInfo, kind: Kind) -> str:
    subject = f"{shown(info.name)} is a link to a name"
    if kind == "hard link":
        return _plain(info.linkname, subject)
    if kind == "symbolic link":
        _check_characters(info.linkname, subject)
        if not info.linkname or len(info.linkname.encode()) > MOST_TARGET_BYTES:
            raise BuildFailed(f"{subject} that is empty or too long. Remove the link.")
        return info.linkname
    return ""


def _check_link(name: str, target: str, links: dict[str, str]) -> None:
    if target.startswith("/") or _leads_out(name, target, links):
        raise BuildFailed(
            f"{shown(name)} is a link to {shown(target)}, which is outside of the source. "
            "Put the file itself there."
        )


def _leads_out(name: str, target: str, links: dict[str, str]) -> bool:
    """Whether following a link leaves the tree at any step; links on its way are followed too."""
    at = name.split("/")[:-1]
    to_do = target.split("/")[::-1]
    hops = 0
    while to_do and hops <= MOST_HOPS:
        part = to_do.pop()
        if part == "..":
            if not at:
                return True
            at.pop()
        elif part not in {"", "."}:
            at.append(part)
            onward = links.get("/".join(at))
            if onward is not None:
                hops += 1
                at.pop()
                to_do += onward.split("/")[::-1]
    return False
