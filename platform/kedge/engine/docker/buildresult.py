"""What a build says it made, checked, and its layers brought into the slug store.

The file is written inside the build container, by code of the app if that wants to: nothing in it
is believed unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, cast

from kedge.engine.protocols import Built, Layer, SlugStore
from kedge.engine.slugs import slug_of
from kedge.errors import BuildFailed, NotFound, SlugTooLarge

LIMIT_BYTES = 4 << 20
KINDS = ("dependencies", "source")
# How the runner's own check of the limit begins.
TOO_LARGE = "Compiled slug size"
SHOWN_FOLDERS = 5
BYTES_IN_MB = 1 << 20

Open = Callable[[str], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class Result:
    """The runner's result.json, read and checked. `reason` is None when the build succeeded."""

    reason: str | None
    description: str
    buildpacks: tuple[Mapping[str, str], ...]
    process_types: Mapping[str, str]
    layers: tuple[Mapping[str, Any], ...]
    largest: tuple[tuple[str, int], ...]


def read(open_file: Open, path: str) -> Result:
    """The result at `path`.

    Raises:
        BuildFailed: there is none, or it cannot be understood.
    """
    try:
        with open_file(path) as file:
            return _parsed(_storable(json.loads(file.read(LIMIT_BYTES))))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildFailed("The build ended without a result it can be judged by.") from error


def _storable(value: Any) -> Any:
    """A JSON value without what PostgreSQL keeps in no text: NUL, and halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


def _parsed(fields: Mapping[str, Any]) -> Result:
    status = fields["status"]
    reason = None if status == "succeeded" else str(fields.get("reason") or "The build failed.")
    return Result(
        reason=reason,
        description=str(fields.get("description", "")),
        buildpacks=tuple(
            {"name": str(each["name"]), "version": str(each["version"])}
            for each in fields.get("buildpacks", ())
        ),
        process_types={str(k): str(v) for k, v in fields.get("process_types", {}).items()},
        layers=tuple(dict(each) for each in fields.get("layers", ())),
        largest=tuple((str(name), int(size)) for name, size in fields.get("largest", ())),
    )


def refuse(result: Result) -> None:
    """Raise what a failed build is refused with: BuildFailed or SlugTooLarge."""
    if result.reason is None:
        return
    if result.reason.startswith(TOO_LARGE):
        raise SlugTooLarge(result.reason)
    raise BuildFailed(result.reason)


def store(result: Result, slugs: SlugStore, open_file: Open, limit_mb: int) -> Built:
    """Bring the layers into the store.

    Raises:
        BuildFailed: a layer is not what the result says, or not there.
        SlugTooLarge: together they are over the limit, as they are stored.
        Unavailable: the store's disk is full.
    """
    layers = tuple(_kept(entry, slugs, open_file) for entry in result.layers)
    if not layers:
        raise BuildFailed("The build made no slug.")
    stored = sum(layer.stored_bytes for layer in layers)
    if stored > limit_mb * BYTES_IN_MB:
        raise SlugTooLarge(_too_large_words(stored, limit_mb, result.largest))
    return Built(
        slug=slug_of(layers),
        process_types=result.process_types,
        description=result.description,
        buildpacks=result.buildpacks,
    )


def _kept(entry: Mapping[str, Any], slugs: SlugStore, open_file: Open) -> Layer:
    kind, digest, path = entry.get("kind"), str(entry.get("digest")), entry.get("path")
    if kind not in KINDS:
        raise BuildFailed(f"The build made a layer of an unknown kind: {kind!r}.")
    known_kind = cast("Literal['dependencies', 'source']", kind)
    if path is None:
        try:
            stored = slugs.touch(digest)
        except NotFound as error:
            raise BuildFailed(
                "A part of an earlier slug is not in the slug store any more. "
                "Purge the build cache (`kedge builds:cache:purge`) and push again."
            ) from error
        plain = int(entry.get("bytes", 0))
        return Layer(digest=digest, kind=known_kind, plain_bytes=plain, stored_bytes=stored)
    try:
        with open_file(str(path)) as tar:
            layer = slugs.add(tar, known_kind)
    except FileNotFoundError as error:
        raise BuildFailed(f"The build did not leave its layer {path}.") from error
    if layer.digest != digest:
        raise BuildFailed("A layer of the slug changed while it was stored. Push again.")
    return layer


def _too_large_words(stored: int, limit_mb: int, largest: Sequence[tuple[str, int]]) -> str:
    shown = [f"{name} {size / BYTES_IN_MB:.0f} MB" for name, size in largest[:SHOWN_FOLDERS]]
    named = f" Largest before compression: {', '.join(shown)}." if shown else ""
    return (
        f"Compiled slug size: {stored / BYTES_IN_MB:.0f} MB is too large (max is {limit_mb} MB)."
        f"{named} Leave out what the app does not need to run with .slugignore."
    )
