"""Slugs as startable images: loaded once, found again by their labels, dropped on request."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import docker.errors

from kedge.engine.docker import labels
from kedge.engine.docker.client import LOAD_SECONDS, Engine, status_of, translated
from kedge.engine.docker.exclusive import exclusive
from kedge.engine.docker.releaseimage import ReleaseImage, Stack
from kedge.engine.docker.stackdescriptors import StackDescriptors
from kedge.engine.docker.tarstream import Readable
from kedge.engine.protocols import Layer, SlugImage, SlugStore
from kedge.errors import RuntimeDown

CONTAINERD_STORE = "io.containerd.snapshotter.v1"
SHORT_DIGEST = 12


class Images:
    """The slug images of one installation."""

    def __init__(self, engine: Engine, run_image: str, slugs: SlugStore, home: Path) -> None:
        self._engine = engine
        self._run_image = run_image
        self._slugs = slugs
        self._lock = home / "images.lock"
        self._stacks: dict[str, Stack] = {}
        self._descriptors = StackDescriptors(engine, run_image, home / "stack-layers.json")
        self._in_containerd: bool | None = None

    def name_of(self, slug_digest: str) -> str:
        """What the image of a slug is called: `kedge-<installation>/slug:<digest>`."""
        return f"kedge-{self._engine.installation}/slug:{slug_digest[:SHORT_DIGEST]}"

    def prepare(self, slug: SlugImage) -> None:
        """Have the image of a slug on the present stack; nothing is done when it is there.

        Raises:
            NotFound: a layer is not in the slug store.
            RuntimeDown: the engine or the stack's image is not there, or the disk is full.
        """
        stack = self._stack()
        if self._is_there(slug, stack):
            return
        # One at a time: loading is bound by the disk, and the builder may be at this very image.
        with exclusive(self._lock):
            if self._is_there(slug, stack):
                return
            image = ReleaseImage(
                installation=self._engine.installation,
                tag=self.name_of(slug.digest),
                stack=stack,
                slug=slug,
            )
            self._load(image)
            for older in self._of(slug.digest):
                if older["Labels"].get(labels.STACK_IMAGE) != stack.image_id:
                    self._remove(older)

    def prepared(self) -> set[str]:
        """Digests of the slugs whose image is there, on the stack of today."""
        with translated("look for the stack image"):
            stack_id = self._inspected(self._run_image)
        if stack_id is None:
            return set()
        return {
            found[labels.SLUG]
            for found in self._listed()
            if found.get(labels.STACK_IMAGE) == stack_id["Id"] and labels.SLUG in found
        }

    def forget(self, slug_digest: str) -> None:
        """Drop the images of a slug; one that a container still uses stays until asked again."""
        for image in self._of(slug_digest):
            self._remove(image)

    def _is_there(self, slug: SlugImage, stack: Stack) -> bool:
        with translated("look for a slug's image"):
            found = self._inspected(self.name_of(slug.digest))
        have = ((found or {}).get("Config") or {}).get("Labels") or {}
        return (have.get(labels.SLUG), have.get(labels.STACK_IMAGE)) == (
            slug.digest,
            stack.image_id,
        )

    def _of(self, slug_digest: str) -> list[dict[str, Any]]:
        """All images of a slug, those on earlier stacks (which have lost their name) included."""
        filters = labels.filters(self._engine.installation, slug=slug_digest)
        with translated("list images"):
            found: list[dict[str, Any]] = self._engine.api.images(filters=filters)
        return found

    def _remove(self, image: dict[str, Any]) -> None:
        with translated("remove a slug's image"):
            try:
                self._engine.api.remove_image(image["Id"])
            except docker.errors.APIError as error:
                if status_of(error) not in {404, 409}:  # gone, or in use
                    raise

    def _load(self, image: ReleaseImage) -> None:
        form = image.oci_archive if self._containerd() else image.docker_archive
        present = self._present(image)
        try:
            self._send(form(self._readable, present))
        except RuntimeDown:
            if not present:
                raise
            # An image that carried a layer we left out was removed meanwhile.
            self._send(form(self._readable, set()))

    def _send(self, chunks: Iterator[bytes]) -> None:
        with translated("load a slug's image"):
            api = self._engine.api
            answer = api.post(
                self._engine.stream_url("/images/load"),
                data=chunks,
                stream=True,
                timeout=LOAD_SECONDS,
                headers={"Content-Type": "application/x-tar"},
            )
            with answer:
                said = [json.loads(line) for line in answer.iter_lines() if line]
        wrong = [each.get("error") or each.get("message") for each in said]
        if answer.status_code != 200 or any(wrong):
            reason = next(filter(None, wrong), f"status {answer.status_code}")
            raise RuntimeDown(f"Docker could not load a slug's image: {reason}")

    def _readable(self, layer: Layer) -> Readable:
        return Readable(self._slugs.open(layer.digest), layer.plain_bytes)

    def _present(self, image: ReleaseImage) -> Collection[str]:
        """The layers from the bottom up that another image of ours has on the same stack.

        A layer is known to the engine only together with all that lies below it.
        """
        wanted = [layer.digest for layer in image.slug.layers]
        longest: list[str] = []
        for found in self._listed():
            if found.get(labels.STACK_IMAGE) == image.stack.image_id:
                have = found.get(labels.LAYERS, "").split(",")
                shared = _shared_start(wanted, have)
                longest = max(longest, shared, key=len)
        return set(longest)

    def _listed(self) -> list[dict[str, str]]:
        with translated("list images"):
            found = self._engine.api.images(filters=labels.filters(self._engine.installation))
        return [image.get("Labels") or {} for image in found]

    def _inspected(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._engine.api.inspect_image(name)  # type: ignore[no-untyped-call]
        except docker.errors.NotFound:
            return None
        return found

    def _stack(self) -> Stack:
        with translated("look for the stack image"):
            found = self._inspected(self._run_image)
        if found is None:
            raise RuntimeDown(
                f"The stack image {self._run_image} is not there. Make it with `kedge stack build`."
            )
        if found["Id"] not in self._stacks:
            self._stacks[found["Id"]] = Stack(
                image_id=found["Id"],
                architecture=found["Architecture"],
                diff_ids=tuple(found["RootFS"]["Layers"]),
                env=tuple(found["Config"].get("Env") or ()),
                blobs=self._descriptors.of(found["Id"]) if self._containerd() else (),
            )
        return self._stacks[found["Id"]]

    def _containerd(self) -> bool:
        if self._in_containerd is None:
            with translated("ask which image store it has"):
                info = self._engine.api.info()
            self._in_containerd = CONTAINERD_STORE in json.dumps(info.get("DriverStatus"))
        return self._in_containerd


def _shared_start(wanted: list[str], have: list[str]) -> list[str]:
    count = 0
    for one, other in zip(wanted, have, strict=False):
        if one != other:
            break
        count += 1
    return wanted[:count]
