"""The layers of a slug: one for each declaration of dependency trees, one for the source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from _lib.dependency_tree import Declaration, declared, fingerprint

from _runner.layer_tar import LayerTar, Written, walk
from _runner.layout import Layout
from _runner.request import BuildRequest

# The npm registry's choice too. Fixed, for a tree's digest must not depend on when it was
# installed; after 1980, for zip archives cannot say earlier.
DEPENDENCY_MTIME = 499_162_500


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. `path` is None when the engine has the layer already."""

    kind: Literal["dependencies", "source"]
    digest: str
    bytes: int
    compressed_bytes: int
    path: str | None
    folders: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an earlier build found out about a tree with this fingerprint."""

    fingerprint: str
    digest: str
    bytes: int
    compressed_bytes: int
    folders: dict[str, int]


def write_layers(layout: Layout, request: BuildRequest) -> list[Layer]:
    """Write the layers the engine lacks, dependencies first, and remember their digests."""
    memory = _recall(layout.layer_record)
    declarations = [d for d in declared(layout.declared) if _paths_in(layout.app, d)]
    layers: list[Layer] = []
    remembered: dict[str, Remembered] = {}
    for declaration in declarations:
        paths = _paths_in(layout.app, declaration)
        name = "\n".join(paths)
        print_ = fingerprint(layout.app / path for path in paths)
        known = memory.get(name)
        if known and known.fingerprint == print_ and known.digest in request.known_layers:
            layer = _reused(known)
        else:
            layer = _write_trees(layout, request, paths)
        layers.append(layer)
        remembered[name] = _remember(print_, layer)
    apart = frozenset(path for d in declarations for path in d.paths)
    layers.append(_write_source(layout, request, apart))
    _save(layout.layer_record, remembered)
    return layers


def largest(layers: Iterable[Layer], limit: int = 10) -> list[tuple[str, int]]:
    """The slug's largest top-level folders and files, with their bytes, largest first."""
    sizes: Counter[str] = Counter()
    for layer in layers:
        for name, taken in layer.folders.items():
            sizes[name.encode(errors="replace").decode()] += taken
    return sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _paths_in(app: Path, declaration: Declaration) -> tuple[str, ...]:
    return tuple(path for path in declaration.paths if (app / path).is_dir())


def _reused(known: Remembered) -> Layer:
    return Layer(
        "dependencies", known.digest, known.bytes, known.compressed_bytes, None, known.folders
    )


def _remember(print_: str, layer: Layer) -> Remembered:
    return Remembered(print_, layer.digest, layer.bytes, layer.compressed_bytes, layer.folders)


def _write_trees(layout: Layout, request: BuildRequest, paths: tuple[str, ...]) -> Layer:
    target = layout.out / "dependencies.tar.part"
    sizes: Counter[str] = Counter()
    with LayerTar(target, mtime=DEPENDENCY_MTIME) as tar:
        for parent in _parents(paths):
            tar.add_folder(parent)
        for path in paths:
            for entry in walk(layout.app, path):
                sizes[path] += tar.add(layout.app / entry, f"app/{entry}")
        written = tar.finish()
    return _settle("dependencies", target, written, request, sizes)


def _parents(paths: Iterable[str]) -> list[str]:
    """The folders above the trees, from `app` on, each once."""
    parents = {str(parent) for path in paths for parent in PurePosixPath("app", path).parents}
    return sorted(parents - {"."})


def _write_source(layout: Layout, request: BuildRequest, apart: frozenset[str]) -> Layer:
    target = layout.out / "source.tar.part"
    sizes: Counter[str] = Counter()
    with LayerTar(target, mtime=request.commit_time) as tar:
        tar.add_folder("app")
        for entry in walk(layout.app, "", apart):
            sizes[entry.split("/", 1)[0]] += tar.add(layout.app / entry, f"app/{entry}")
        written = tar.finish()
    return _settle("source", target, written, request, sizes)


def _settle(
    kind: Literal["dependencies", "source"],
    target: Path,
    written: Written,
    request: BuildRequest,
    sizes: Counter[str],
) -> Layer:
    """Give the tar its final name, or drop it when the engine has its like."""
    final: Path | None = None
    if written.digest in request.known_layers:
        target.unlink()
    else:
        final = target.rename(target.with_name(f"{written.digest}.tar"))
    return Layer(
        kind,
        written.digest,
        written.size_bytes,
        written.compressed_bytes,
        str(final) if final else None,
        dict(sizes),
    )


def _recall(path: Path) -> dict[str, Remembered]:
    try:
        content = json.loads(path.read_text())
        return {name: Remembered(**fields) for name, fields in content.items()}
    except (FileNotFoundError, ValueError, TypeError):
        return {}  # no build before, or one that was cut off while it wrote: everything is new


def _save(path: Path, remembered: dict[str, Remembered]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps({name: asdict(fields) for name, fields in remembered.items()}))
    part.replace(path)
