"""Which Node an app runs on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from _lib.refusal import Refused
from _lib.version_range import InvalidRange, Version, matcher, show

from nodejs_buildpack.package import Package

_CODE_NAMES = {"hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24"}

# An even major becomes an LTS line half a year after its first release, at a minor between .9 and
# .13.
_FIRST_LTS_MINOR = 9


@dataclass(frozen=True, slots=True)
class Wanted:
    """A range ('' for none) and where it was found."""

    range: str
    source: str


def wanted(build_dir: Path, package: Package) -> Wanted:
    """What the app asks for: engines.node, else .node-version, else .nvmrc."""
    if package.engine("node"):
        return Wanted(package.engine("node"), "engines.node in package.json")
    for name in (".node-version", ".nvmrc"):
        file = build_dir / name
        if file.is_file():
            text = file.read_text(errors="replace").split("#", 1)[0].strip()
            return Wanted(_plain(text), name)
    return Wanted("", "")


def _plain(text: str) -> str:
    """Nvm's words as a range: `lts/*` and `node` are the default, `lts/jod` is 22."""
    word = text.lower().removeprefix("lts/")
    if word in {"*", "node", "stable", ""}:
        return ""
    return _CODE_NAMES.get(word, word)


def choose(asked: Wanted, available: Iterable[Version]) -> Version:
    """The version to use: the newest in the range, of an LTS line where the range has one.

    An open range such as `>=18` would else move the app to a new major on the day it is published.

    Raises:
        Refused: the range cannot be read, or holds no version that there is.
    """
    versions = sorted(available)
    try:
        fits = matcher(asked.range)
    except InvalidRange as error:
        raise Refused(
            f"{asked.source} is no version range: {asked.range}",
            'Write for example "22.x", "^22.11.0" or "22.11.0".',
        ) from error
    fitting = [version for version in versions if fits(version)]
    if not fitting:
        raise _none(asked, versions)
    lasting = _lts_majors(versions)
    return max([version for version in fitting if version[0] in lasting] or fitting)


def _lts_majors(versions: list[Version]) -> set[int]:
    newest = {version[0]: version for version in versions}
    return {
        major
        for major, version in newest.items()
        if major % 2 == 0 and version[1] >= _FIRST_LTS_MINOR
    }


def _none(asked: Wanted, versions: list[Version]) -> Refused:
    newest = {version[0]: version for version in versions}
    shown = ", ".join(show(newest[major]) for major in sorted(newest, reverse=True)[:6])
    return Refused(
        f"There is no Node.js {asked.range}, which {asked.source} asks for.",
        f"The newest releases are {shown}.",
        'Ask for a major version, for example: "engines": {"node": "22.x"}',
    )
