"""bin/compile from end to end."""

from __future__ import annotations

from _lib import screen
from _lib.place import Place
from _lib.version_range import show

from nodejs_buildpack import (
    cache_folders,
    environment,
    installation,
    manager,
    manager_program,
    package,
    runtime,
)
from nodejs_buildpack.tools import Tools, tools_of


def work(place: Place) -> None:
    """Install Node and what the lock file names, run the build scripts, prune.

    Raises:
        Refused: a step failed; says what to do.
    """
    described = package.read(place.build_dir / "package.json")
    chosen = manager.choose(place.build_dir, described)
    node = runtime.install(place, described)
    manager_program.install(place, runtime.registry_of(place), chosen, node.node)
    tools = tools_of(place, described, node, chosen)
    tools.script("heroku-prebuild")
    installation.restore_plug_n_play(place, tools)
    try:
        installation.of(place, tools, show(node.node)).around(lambda: _build(place, tools))
    finally:
        cache_folders.keep(place, described)
    tools.script("heroku-cleanup")
    environment.write(place, chosen.name)
    _advise(place, tools)


def _build(place: Place, tools: Tools) -> None:
    """As on Heroku: `heroku-postbuild`, and only without it `build`."""
    cache_folders.restore(place, tools.package)
    wanted = [name for name in ("heroku-postbuild", "build") if name in tools.package.scripts]
    if wanted:
        screen.step("Building")
        tools.script(wanted[0])


def _advise(place: Place, tools: Tools) -> None:
    root = place.build_dir
    if "start" in tools.package.scripts or any(
        (root / n).exists() for n in ("Procfile", "server.js")
    ):
        return
    screen.error("Nothing says how this app is started: there is neither a Procfile nor a `start`")
    screen.error('script in package.json. For example: "scripts": {"start": "node index.js"}')
