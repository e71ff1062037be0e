"""requirements.txt: what else it draws in, and whether an earlier installation may be used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)")
_VCS = re.compile(r"\b(?:git|hg|svn|bzr)\+")
_PINNED_VCS = re.compile(r"@[0-9a-f]{40}(?:#|\s|;|$)")
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]*(\S+)")
_NAMED = r"(?:[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*)?(?:file:(?://)?)?"
_PATH = r"(?:\.{1,2}(?:/[^\s;\[]*)?|/[^\s;\[]+|[\w./+-]+\.(?:whl|tar\.gz|zip))"
_EDITABLE_VCS = re.compile(r"^(?:-e|--editable)[ \t=]*((?:git|hg|svn|bzr)\+\S+)", re.MULTILINE)
_LOCAL = re.compile(rf"{_NAMED}({_PATH})(?:\[|\s|;|$)")


@dataclass(frozen=True, slots=True)
class Requirements:
    """A requirements file with all it includes.

    `moving` says that a line names a branch, so that the same text may mean other code tomorrow;
    `local` are folders and files of the source that are installed, `editable` folders installed
    in place.
    """

    text: str
    moving: bool
    hashed: bool
    local: tuple[Path, ...] = field(default=())
    editable: tuple[Path, ...] = field(default=())


def read(file: Path) -> Requirements:
    """The file and everything it includes with `-r` and `-c`; what is missing is uv's to say."""
    texts: list[str] = []
    local: list[Path] = []
    editable: list[Path] = []
    lines: list[str] = []
    for path, text in _files(file, set()):
        texts.append(text)
        for line in _logical_lines(text):
            lines.append(line)
            if (match := _EDITABLE.match(line)) and not _VCS.search(line):
                editable.append(path.parent / match[1].removeprefix("file://").split("[")[0])
            elif match := _LOCAL.match(line):
                local.append(path.parent / match[1])
    return Requirements(
        text="\0".join(texts),
        moving=any(_VCS.search(line) and not _PINNED_VCS.search(line) for line in lines),
        hashed=any("--hash=" in line for line in lines),
        local=tuple(local),
        editable=tuple(editable),
    )


def for_uv(file: Path) -> str:
    """The file's text as uv takes it: `-e git+URL#egg=NAME`, which `pip freeze` writes, is to pip a
    checkout to be edited, and to uv an error; a dyno edits nothing.
    """
    text = file.read_text(errors="replace").removeprefix("\ufeff")
    return _EDITABLE_VCS.sub(r"\1", text)


def _files(file: Path, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    if file in seen or not file.is_file():
        return
    seen.add(file)
    text = file.read_text(errors="replace")
    yield file, text
    for line in _logical_lines(text):
        if match := _INCLUDE.match(line):
            yield from _files((file.parent / match[1]).resolve(), seen)


def _logical_lines(text: str) -> list[str]:
    """Lines with continuations joined and comments removed."""
    joined = re.sub(r"\\\r?\n", " ", text.removeprefix("\ufeff"))
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]
