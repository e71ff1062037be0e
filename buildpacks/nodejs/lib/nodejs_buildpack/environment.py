"""The environment of a dyno that runs Node, and of the buildpacks that come after."""

from __future__ import annotations

from _lib.place import Place

from nodejs_buildpack.runtime import NODE

_PROFILE = """\
export PATH="{path}:$HOME/node_modules/.bin:$PATH"
export NODE_HOME="$HOME/{node}"
export NODE_ENV="${{NODE_ENV:-production}}"
"""

# Heroku's names and figures: WEB_MEMORY is what one process is counted with.
_CONCURRENCY = """\
export MEMORY_AVAILABLE="${MEMORY_AVAILABLE:-$(kedge_dyno_memory_mb)}"
export WEB_MEMORY="${WEB_MEMORY:-512}"
if [ -z "${WEB_CONCURRENCY:-}" ]; then
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / WEB_MEMORY))
  if [ "$WEB_CONCURRENCY" -lt 1 ]; then WEB_CONCURRENCY=1; fi
  export WEB_CONCURRENCY
fi
"""


def write(place: Place, manager: str) -> None:
    """Write `.profile.d/nodejs.sh` and the buildpack's `export`."""
    trees = [NODE, f".heroku/{manager}"] if manager != "npm" else [NODE]
    path = ":".join(f"$HOME/{tree}/bin" for tree in trees)
    memory = (place.folder.parent / "_lib" / "memory.sh").read_text()
    profile = _PROFILE.format(path=path, node=NODE)
    place.profile("nodejs").write_text(profile + memory + _CONCURRENCY)
    root = place.build_dir
    bins = ":".join([*(f"{root}/{tree}/bin" for tree in trees), f"{root}/node_modules/.bin"])
    (place.folder / "export").write_text(f'export PATH="{bins}:$PATH"\n')
