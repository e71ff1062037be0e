"""Python's compiled files, in a form that no file time makes stale."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _lib import tool
from _lib.place import Place

_SHARES = 4
_OPTIONS = ("-q", "-q", "--invalidation-mode", "unchecked-hash")


def compile_all(place: Place, python: Path, folder: Path) -> None:
    """Compile every module below `folder`, a site-packages or a standard library.

    Layers give all files one fixed time, so the usual check by time would find every pyc file
    stale. A pyc file also depends on what its process has compiled before; so each process gets
    a share that depends on the modules alone, never on the machine, and works through it in
    order. Templates, and tests for other versions, do not compile; that is no error.
    """
    env = place.tool_env()

    def work(share: list[str]) -> None:
        tool.run_silent(
            [str(python), "-I", "-m", "compileall", *_OPTIONS, *share], env=env, cwd=folder
        )

    with ThreadPoolExecutor(max_workers=_SHARES) as pool:
        list(pool.map(work, shares(folder)))


def shares(folder: Path) -> list[list[str]]:
    """What is in `folder`, in at most four lists of about as many modules each."""
    counts = {path.name: _modules(path) for path in folder.iterdir()}
    piles: list[list[str]] = [[] for _ in range(_SHARES)]
    sizes = [0] * _SHARES
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        if counts[name]:
            smallest = sizes.index(min(sizes))
            piles[smallest].append(name)
            sizes[smallest] += counts[name]
    return [pile for pile in piles if pile]


def _modules(path: Path) -> int:
    if path.is_dir():
        return sum(1 for _ in path.rglob("*.py"))
    return int(path.suffix == ".py")
