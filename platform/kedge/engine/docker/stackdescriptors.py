"""The stack's layers as a registry would describe them, which the containerd store asks for.

The engine tells them only by saving the whole image, which takes seconds: they are remembered
beside the installation, by image id.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from kedge.engine.docker.client import Engine, translated
from kedge.engine.docker.tarstream import CHUNK_BYTES, ChunkReader
from kedge.errors import RuntimeDown

# Entries of a saved image larger than this are layers, not JSON.
JSON_LIMIT_BYTES = 1 << 20


class StackDescriptors:
    """Reads and remembers the descriptors of one image's layers."""

    def __init__(self, engine: Engine, image: str, memory: Path) -> None:
        self._engine = engine
        self._image = image
        self._memory = memory

    def of(self, image_id: str) -> tuple[dict[str, Any], ...]:
        """The descriptors of the image's layers, bottom first."""
        try:
            known = json.loads(self._memory.read_text())
            if known["image_id"] == image_id:
                return tuple(known["layers"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never asked, or cut off while it was written: asked again
        with translated("read the stack image"):
            saved = ChunkReader(self._engine.api.get_image(self._image))
            layers = layer_descriptors(_json_entries(saved), self._image)
        self._remember(image_id, layers)
        return layers

    def _remember(self, image_id: str, layers: tuple[dict[str, Any], ...]) -> None:
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        part = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        part.write_text(json.dumps({"image_id": image_id, "layers": layers}))
        part.replace(self._memory)


def layer_descriptors(entries: dict[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """The layers of the one Linux image in the JSON files of a saved OCI layout, by path."""

    def blob(descriptor: dict[str, Any]) -> Any:
        return entries.get("blobs/sha256/" + descriptor["digest"].removeprefix("sha256:"), {})

    pending = [entries.get("index.json", {})]
    while pending:
        document = pending.pop(0)
        if "layers" in document:
            return tuple(document["layers"])
        pending.extend(blob(each) for each in document.get("manifests", ()))
    raise RuntimeDown(f"Docker saved {name} in a form Kedge does not know: no manifest in it.")


def _json_entries(stream: io.RawIOBase) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=io.BufferedReader(stream, CHUNK_BYTES), mode="r|") as tar:
        for info in tar:
            file = tar.extractfile(info) if info.isreg() else None
            if file is not None and info.size <= JSON_LIMIT_BYTES:
                content = file.read()
                if content[:1] == b"{":
                    found[info.name] = json.loads(content)
    return found
