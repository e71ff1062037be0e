"""What a build says it made, checked, and its layers brought into the slug store.

`result.json` comes first, then layers by the names that has for them. They are written inside the
build container, by code of the app if that wants to: nothing in them is believed unseen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal, cast

from kedge.engine.docker import parcels
from kedge.engine.protocols import Built, Layer, SlugStore
from kedge.engine.slugs import slug_of
from kedge.errors import BuildFailed, NotFound, SlugTooLarge

LIMIT_BYTES = 4 << 20
Kind = Literal["dependencies", "source"]
KINDS = ("dependencies", "source")
NO_RESULT = "The build ended without a result it can be judged by."
# How the runner's own check of the limit begins.
TOO_LARGE = "Compiled slug size"
SHOWN_FOLDERS = 5
BYTES_IN_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """The runner's result.json, read and checked. `reason` is None when the build succeeded."""

    reason: str | None
    description: str
    buildpacks: tuple[Mapping[str, str], ...]
    process_types: Mapping[str, str]
    layers: tuple[Mapping[str, Any], ...]
    largest: tuple[tuple[str, int], ...]


def receive(chunks: Iterator[bytes], slugs: SlugStore, limit_mb: int) -> Built:
    """What a build made, its layers stored as they come.

    Raises:
        BuildFailed: the build says so, or ends without a result that can be understood and kept.
        SlugTooLarge: it says so, or the layers together are over the limit as they are stored.
        Unavailable: the store's disk is full.
    """
    coming = parcels.received(chunks)
    try:
        result = _read(next(coming))
        _refuse(result)
        stored = dict(_stored(coming, result, slugs))
    except (parcels.Garbled, StopIteration) as error:
        raise BuildFailed(NO_RESULT) from error
    return _built(result, stored, slugs, limit_mb)


def _read(file: parcels.Parcel) -> Result:
    try:
        return _parsed(_storable(json.loads(file.read(LIMIT_BYTES))))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildFailed(NO_RESULT) from error


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


def _refuse(result: Result) -> None:
    if result.reason is None:
        return
    if result.reason.startswith(TOO_LARGE):
        raise SlugTooLarge(result.reason)
    raise BuildFailed(result.reason)


def _stored(
    coming: Iterator[parcels.Parcel], result: Result, slugs: SlugStore
) -> Iterator[tuple[str, Layer]]:
    """The layers that come, by their names, stored."""
    kinds = {_file_name(entry): _kind(entry) for entry in result.layers if entry.get("path")}
    for file in coming:
        if file.name in kinds:
            yield file.name, slugs.add(cast("BinaryIO", file), kinds[file.name])


def _built(result: Result, stored: Mapping[str, Layer], slugs: SlugStore, limit_mb: int) -> Built:
    layers = tuple(_layer(entry, stored, slugs) for entry in result.layers)
    if not layers:
        raise BuildFailed("The build made no slug.")
    stored_bytes = sum(layer.stored_bytes for layer in layers)
    if stored_bytes > limit_mb * BYTES_IN_MB:
        raise SlugTooLarge(_too_large_words(stored_bytes, limit_mb, result.largest))
    return Built(
        slug=slug_of(layers),
        process_types=result.process_types,
        description=result.description,
        buildpacks=result.buildpacks,
    )


def _layer(entry: Mapping[str, Any], stored: Mapping[str, Layer], slugs: SlugStore) -> Layer:
    kind, digest, path = _kind(entry), str(entry.get("digest")), entry.get("path")
    if path is None:
        return _kept_before(kind, digest, int(entry.get("bytes", 0)), slugs)
    layer = stored.get(_file_name(entry))
    if layer is None:
        raise BuildFailed(f"The build did not leave its layer {path}.")
    if layer.digest != digest:
        raise BuildFailed("A layer of the slug changed while it was stored. Push again.")
    return layer


def _kept_before(kind: Kind, digest: str, plain_bytes: int, slugs: SlugStore) -> Layer:
    try:
        stored_bytes = slugs.touch(digest)
    except NotFound as error:
        raise BuildFailed(
            "A part of an earlier slug is not in the slug store any more. "
            "Purge the build cache (`kedge builds:cache:purge`) and push again."
        ) from error
    return Layer(digest=digest, kind=kind, plain_bytes=plain_bytes, stored_bytes=stored_bytes)


def _kind(entry: Mapping[str, Any]) -> Kind:
    kind = entry.get("kind")
    if kind not in KINDS:
        raise BuildFailed(f"The build made a layer of an unknown kind: {kind!r}.")
    return cast("Kind", kind)


def _file_name(entry: Mapping[str, Any]) -> str:
    return PurePosixPath(str(entry.get("path"))).name


def _too_large_words(stored: int, limit_mb: int, largest: Sequence[tuple[str, int]]) -> str:
    shown = [f"{name} {size / BYTES_IN_MB:.0f} MB" for name, size in largest[:SHOWN_FOLDERS]]
    named = f" Largest before compression: {', '.join(shown)}." if shown else ""
    return (
        f"Compiled slug size: {stored / BYTES_IN_MB:.0f} MB is too large (max is {limit_mb} MB)."
        f"{named} Leave out what the app does not need to run with .slugignore."
    )
