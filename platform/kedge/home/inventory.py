"""What there is of an installation, on the engine and in its home, with their size on the disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kedge.engine.docker import traces
from kedge.engine.docker.client import Engine
from kedge.engine.docker.traces import Traces, Weight
from kedge.home import account
from kedge.home.installation import Installation

# Entries of a home that cannot be made again.
DATA = frozenset(
    {"postgres", "repos", "slugs", "backups", "installation", "token"}
    | {"secret.key", "addons.key", "ca.pem", "ca.key"}
)
# What the parts make anew, or what was on its way.
MADE_AGAIN = frozenset(
    {"certificates.json", "clock", "gateways", "log", "log-drains.json", "logs", "router"}
    | {"router-log.cursor", "run", "sources", "stack-layers.json", "started-with.json", "url"}
    | {"images.lock", "up.lock", "volumes.lock"}
)
DRAFT = re.compile(r"\.(.+)\.new")  # of a file that is being written


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is. `weight` is None where the engine cannot say.

    `files` are the home's entries Kedge made, with their bytes; `foreign` what others laid there.
    """

    traces: Traces
    weight: Weight | None
    files: dict[str, int]
    foreign: tuple[str, ...]


def take(found: Installation) -> Inventory:
    """Look at everything, changing nothing. Raises RuntimeDown when the engine does not answer."""
    engine = Engine(found.settings.docker_host, found.id)
    there = traces.find(engine)
    names = sorted(entry.name for entry in found.home.iterdir())
    files = {name: _bytes(found.home / name) for name in names if is_ours(name)}
    foreign = tuple(name for name in names if not is_ours(name))
    return Inventory(there, traces.weigh(engine), files, foreign)


def is_ours(name: str) -> bool:
    """Whether Kedge makes an entry of that name in a home."""
    draft = DRAFT.fullmatch(name)
    return (draft[1] if draft else name) in DATA | MADE_AGAIN


def words(found: Installation, there: Inventory, *, keep_data: bool) -> list[str]:
    """What would be removed and what stays, in lines for a person."""
    weight = there.weight or Weight(0, 0, 0)
    data = sum(each.is_data for each in there.traces.volumes)
    caches = len(there.traces.volumes) - data
    going = [name for name in there.files if not (keep_data and name in DATA)]
    lines = [
        _counted(len(there.traces.containers), "container"),
        _counted(len(there.traces.images), "slug image", weight.images),
        _counted(caches, "volume of builds", weight.caches),
        _counted(0 if keep_data else data, "volume of add-ons", weight.data),
        "the dyno network and its firewall chains",
        _counted(len(going), "entry of the home", sum(there.files[name] for name in going)),
    ]
    return [
        f"To be removed of Kedge in {found.home} (installation {found.id}):",
        *(f"  {line}" for line in lines if line),
        *_staying(found, there, keep_data=keep_data),
    ]


def _staying(found: Installation, there: Inventory, *, keep_data: bool) -> Iterator[str]:
    if keep_data:
        volumes = sum(each.is_data for each in there.traces.volumes)
        kept = [name for name in there.files if name in DATA]
        yield f"Kept: {', '.join([*kept, *filter(None, [_counted(volumes, 'volume of add-ons')])])}"
    if there.foreign:
        yield f"Left in the home, for Kedge did not make it: {', '.join(there.foreign)}"
    if found.settings.database_url:
        yield "Left: the database at DATABASE_URL, which is yours"
    account_too = f", the account {account.NAME}" if account.needed() else ""
    yield f"Left, for other homes use it too: the stack's images, installed packages{account_too}"


def _counted(number: int, noun: str, size: int = 0) -> str:
    """`3 slug images, 12.3 MB`; nothing for none."""
    if not number:
        return ""
    first, _, rest = noun.partition(" of ")
    plural = first.removesuffix("y") + ("ies" if first.endswith("y") else "s")
    what = f"{number} {first if number == 1 else plural}" + (f" of {rest}" if rest else "")
    return what + (f", {_size(size)}" if size else "")


def _size(count: int) -> str:
    """`12.3 MB`; less than a tenth of one in KB, so that nothing is `0.0 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{max(count / 1e3, 0.1):.1f} KB"


def _bytes(path: Path) -> int:
    """What a file or folder takes on the disk; links are not followed."""
    try:
        total = path.lstat().st_blocks * 512
        if path.is_dir() and not path.is_symlink():
            with os.scandir(path) as entries:
                total += sum(_bytes(Path(entry.path)) for entry in entries)
    except OSError:  # gone while we look, or another user's
        return 0
    return total
