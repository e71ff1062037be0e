"""The image of a slug as bytes to load: the stack's layers by reference, the slug's as files.

Its config is deterministic, so that the same slug on the same stack gives the same image id.
Docker's classic stores take the `docker save` form, the containerd store an OCI layout; both
accept archives in which the files of layers they already have are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from kedge.engine.docker import labels
from kedge.engine.docker.tarstream import Member, Readable, archive
from kedge.engine.protocols import Layer, SlugImage

# A fixed moment: the time of loading must not change the image's id.
CREATED = "1980-01-01T00:00:00Z"
OCI = "application/vnd.oci.image"
OpenLayer = Callable[[Layer], Readable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The run image below: its id, its layers' plain digests and what its config says.

    `blobs` are the descriptors of the layers' files, known and needed for the OCI form alone.
    """

    image_id: str
    architecture: str
    diff_ids: tuple[str, ...]
    env: tuple[str, ...]
    blobs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseImage:
    """A slug on a stack under a name of one installation."""

    installation: str
    tag: str
    stack: Stack
    slug: SlugImage

    @property
    def labels(self) -> dict[str, str]:
        """What is found again later by listing images."""
        return {
            labels.HOME: self.installation,
            labels.SLUG: self.slug.digest,
            labels.STACK_IMAGE: self.stack.image_id,
            labels.LAYERS: ",".join(layer.digest for layer in self.slug.layers),
        }

    def config(self) -> bytes:
        """The image's config; its sha256 is the image id."""
        diff_ids = [*self.stack.diff_ids, *(f"sha256:{it.digest}" for it in self.slug.layers)]
        return _json(
            {
                "architecture": self.stack.architecture,
                "os": "linux",
                "created": CREATED,
                "config": {
                    "User": "1000",
                    "WorkingDir": "/app",
                    "Env": [*self.stack.env, "HOME=/app"],
                    "Labels": self.labels,
                },
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        )

    def docker_archive(self, open_layer: OpenLayer, present: Collection[str]) -> Iterator[bytes]:
        """The `docker save` form; layers whose digest is in `present` are left out."""
        config = self.config()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        below = [diff_id.removeprefix("sha256:") for diff_id in self.stack.diff_ids]
        above = [layer.digest for layer in self.slug.layers]
        manifest = {
            "Config": name,
            "RepoTags": [self.tag],
            "Layers": [f"{digest}/layer.tar" for digest in (*below, *above)],
        }
        yield from archive(
            [
                Member("manifest.json", _json([manifest])),
                Member(name, config),
                *(
                    Member(f"{layer.digest}/layer.tar", open_layer(layer))
                    for layer in self.slug.layers
                    if layer.digest not in present
                ),
            ]
        )

    def oci_archive(self, open_layer: OpenLayer, present: Collection[str]) -> Iterator[bytes]:
        """The OCI layout form; layers whose digest is in `present` are left out."""
        config = self.config()
        above = [_descriptor("layer.v1.tar", it.digest, it.plain_bytes) for it in self.slug.layers]
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": _descriptor("config.v1+json", _sha(config), len(config)),
                "layers": [*self.stack.blobs, *above],
            }
        )
        names = {
            "io.containerd.image.name": f"docker.io/{self.tag}",
            "org.opencontainers.image.ref.name": self.tag.rpartition(":")[2],
        }
        entry = _descriptor("manifest.v1+json", _sha(manifest), len(manifest))
        yield from archive(
            [
                Member("oci-layout", _json({"imageLayoutVersion": "1.0.0"})),
                Member(
                    "index.json",
                    _json({"schemaVersion": 2, "manifests": [{**entry, "annotations": names}]}),
                ),
                Member(f"blobs/sha256/{_sha(manifest)}", manifest),
                Member(f"blobs/sha256/{_sha(config)}", config),
                *(
                    Member(f"blobs/sha256/{layer.digest}", open_layer(layer))
                    for layer in self.slug.layers
                    if layer.digest not in present
                ),
            ]
        )


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{digest}", "size": size}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
