"""Which buildpacks build a source: those the app names, or the first that wants it."""

from __future__ import annotations

import re
from pathlib import Path

from _lib.refusal import Refused

from _runner.buildpack import Buildpack, Environment, load

# Heroku's names for what Kedge brings itself, as `buildpacks:set` and app.json have them.
_HEROKU_NAME = re.compile(
    r"(?:urn:buildpack:)?heroku(?:-community)?/(?P<short>[a-z-]+)"
    r"|https://github\.com/(?:heroku|heroku-community)/heroku-buildpack-(?P<url>[a-z-]+?)(?:\.git)?"
    r"|https://buildpack-registry\.s3\.amazonaws\.com/buildpacks/heroku/(?P<tgz>[a-z-]+)\.tgz"
)


def available(folder: Path) -> list[Buildpack]:
    """All buildpacks in the order they look at a source (file `detection-order`, then by name)."""
    found = {path.name: load(path) for path in folder.iterdir() if (path / "bin/detect").exists()}
    order = _listed(folder / "detection-order")
    first = [found.pop(name) for name in order if name in found]
    return [*first, *(found[name] for name in sorted(found))]


def _listed(file: Path) -> list[str]:
    lines = (line.split("#", 1)[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def short_name(name: str) -> str:
    """`heroku/python` and Heroku's own URLs as the name of the buildpack here; others as they
    are.
    """
    match = _HEROKU_NAME.fullmatch(name.rstrip("/"))
    if match is None:
        return name
    return str(match["short"] or match["url"] or match["tgz"])


def named(names: tuple[str, ...], everyone: list[Buildpack]) -> list[Buildpack]:
    """The buildpacks an app names, in its order.

    Raises:
        Refused: one is not here.
    """
    by_name = {buildpack.name: buildpack for buildpack in everyone}
    chosen = []
    for name in names:
        buildpack = by_name.get(short_name(name))
        if buildpack is None:
            raise _unknown(name, sorted(by_name))
        chosen.append(buildpack)
    return chosen


def _unknown(name: str, known: list[str]) -> Refused:
    what = f"Use one of: {', '.join(known)}.", "For example: kedge buildpacks:set python"
    if "://" in name or name.startswith("git@"):
        return Refused(
            f"The buildpack {name} cannot be fetched: Kedge runs its own buildpacks only.",
            *what,
        )
    return Refused(f"There is no buildpack called {name}.", *what)


def detected(
    build_dir: Path, everyone: list[Buildpack], env: Environment
) -> list[tuple[Buildpack, str]]:
    """All buildpacks that want the source, with the names they print, the chosen one first."""
    wanting = []
    for buildpack in everyone:
        title = buildpack.detect(build_dir, env)
        if title is not None:
            wanting.append((buildpack, title))
    return wanting


def undetectable(everyone: list[Buildpack], build_dir: Path) -> Refused:
    """The refusal of a source nobody wants, with what would have been detected."""
    seen = sorted(path.name for path in build_dir.iterdir())
    shown = ", ".join(seen[:12]) + (", …" if len(seen) > 12 else "") if seen else "nothing"
    wanted = [
        f"  {pack.title}: {pack.about['detects']}" for pack in everyone if "detects" in pack.about
    ]
    return Refused(
        "No default language could be detected for this app.",
        "",
        "The root of the source must have one of these files:",
        *wanted,
        "",
        f"It has: {shown}.",
        "If the app lies in a folder, push that: git subtree push --prefix FOLDER kedge main",
        "Or say what builds it: kedge buildpacks:set NAME",
    )
