"""Slugs as images: the same again and again, loaded without what is there, found and dropped."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO
from uuid import uuid4

import pytest

from contract.lab import Lab, tar_of
from kedge.engine.docker import labels
from kedge.engine.docker.client import Engine
from kedge.engine.docker.images import Images
from kedge.engine.docker.releaseimage import ReleaseImage, Stack
from kedge.engine.docker.stackdescriptors import layer_descriptors
from kedge.engine.docker.tarstream import Readable
from kedge.engine.fakes import FakeSlugStore
from kedge.engine.protocols import Layer, SlugImage
from kedge.engine.slugs import DiskSlugStore, slug_of
from kedge.errors import NotFound, RuntimeDown

BASE = hashlib.sha256(b"base").hexdigest()
BLOB = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:b", "size": 3}


def stored(slugs: Any, *contents: bytes) -> list[Layer]:
    return [slugs.add(io.BytesIO(tar_of({"file": content})), "source") for content in contents]


@pytest.fixture
def image() -> tuple[ReleaseImage, FakeSlugStore]:
    """An image of two layers on a stack of one."""
    slugs = FakeSlugStore()
    stack = Stack(
        image_id="sha256:stack",
        architecture="amd64",
        diff_ids=(f"sha256:{BASE}",),
        env=("LANG=en_US.UTF-8",),
        blobs=(BLOB,),
    )
    slug = slug_of(stored(slugs, b"below", b"above"))
    made = ReleaseImage(installation="ab" * 6, tag="kedge-x/slug:1", stack=stack, slug=slug)
    return made, slugs


def unpacked(chunks: Iterator[bytes]) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


def opener(slugs: FakeSlugStore) -> Any:
    return lambda layer: Readable(slugs.open(layer.digest), layer.plain_bytes)


class TestForms:
    def test_docker_form(self, image: tuple[ReleaseImage, FakeSlugStore]):
        """The stack's layers are named but not contained; the slug's are named by their content."""
        made, slugs = image
        files = unpacked(made.docker_archive(opener(slugs), set()))
        (manifest,) = json.loads(files["manifest.json"])
        config = files[manifest["Config"]]

        assert manifest["Layers"][0] == f"{BASE}/layer.tar"
        assert manifest["Layers"][0] not in files
        for path in manifest["Layers"][1:]:
            assert path == f"{hashlib.sha256(files[path]).hexdigest()}/layer.tar"
        assert manifest["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"

    def test_oci_form(self, image: tuple[ReleaseImage, FakeSlugStore]):
        """Every blob is named by its content, and the stack's descriptors are passed on."""
        made, slugs = image
        files = unpacked(made.oci_archive(opener(slugs), set()))
        for name, content in files.items():
            if name.startswith("blobs/"):
                assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
        (entry,) = json.loads(files["index.json"])["manifests"]
        manifest = json.loads(files["blobs/sha256/" + entry["digest"][7:]])

        assert manifest["layers"][0] == BLOB
        assert [each["size"] for each in manifest["layers"][1:]] == [
            layer.plain_bytes for layer in made.slug.layers
        ]

    def test_layers_left_out(self, image: tuple[ReleaseImage, FakeSlugStore]):
        """Layers the engine has are not sent again, in both forms."""
        made, slugs = image
        present = {made.slug.layers[0].digest}
        for form in (made.docker_archive, made.oci_archive):
            names = " ".join(unpacked(form(opener(slugs), present)))
            assert made.slug.layers[0].digest not in names
            assert made.slug.layers[1].digest in names

    def test_descriptors_of_a_saved_stack(self):
        """The stack's layers are found below nested indexes, as multi-platform images have them."""
        entries = {
            "index.json": {"manifests": [{"digest": "sha256:i"}]},
            "blobs/sha256/i": {"manifests": [{"digest": "sha256:m"}]},
            "blobs/sha256/m": {"layers": [BLOB]},
        }

        assert layer_descriptors(entries, "kedge/run") == (BLOB,)
        with pytest.raises(RuntimeDown, match="no manifest"):
            layer_descriptors({}, "kedge/run")


class CountingStore(DiskSlugStore):
    """Remembers which layers were read."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.opened: list[str] = []

    def open(self, digest: str) -> AbstractContextManager[BinaryIO]:
        self.opened.append(digest)
        return super().open(digest)


@pytest.mark.docker
class TestLoading:
    @pytest.fixture
    def slugs(self, tmp_path: Any) -> CountingStore:
        return CountingStore(tmp_path / "slugs")

    @pytest.fixture
    def images(self, docker_home: Any, slugs: CountingStore) -> Images:
        settings, installation = docker_home
        engine = Engine(settings.docker_host, installation)
        return Images(engine, settings.stack_run_image, slugs, settings.home)

    def loaded(self, slugs: CountingStore, images: Images, slug: SlugImage) -> list[str]:
        """The layers read for this slug."""
        slugs.opened.clear()
        images.prepare(slug)
        return list(slugs.opened)

    def test_only_what_changed(self, slugs: CountingStore, images: Images):
        """After a code change only the source layer is loaded, and nothing when nothing changed."""
        below, old, new = stored(slugs, uuid4().bytes, uuid4().bytes, uuid4().bytes)
        self.loaded(slugs, images, slug_of([below, old]))

        assert self.loaded(slugs, images, slug_of([below, new])) == [new.digest]
        assert self.loaded(slugs, images, slug_of([below, new])) == []

    def test_the_same_image_again(self, slugs: CountingStore, images: Images, docker_home: Any):
        """A slug that was forgotten and is prepared again has the same image id."""
        slug = slug_of(stored(slugs, uuid4().bytes))
        api = Engine("", docker_home[1]).api
        ids = []
        for _ in range(2):
            images.prepare(slug)
            ids.append(api.inspect_image(images.name_of(slug.digest))["Id"])
            images.forget(slug.digest)

        assert ids[0] == ids[1]

    def test_loaded_whole_when_the_other_went(
        self, slugs: CountingStore, images: Images, monkeypatch: pytest.MonkeyPatch
    ):
        """When an image that had the layers goes between looking and loading, all is sent."""
        layers = stored(slugs, uuid4().bytes, uuid4().bytes)
        wrong = {layer.digest for layer in layers}
        monkeypatch.setattr(images, "_present", lambda _: wrong)

        assert self.loaded(slugs, images, slug_of(layers)) == [each.digest for each in layers]

    def test_in_use_stays(self, docker_lab: Lab):
        """The image of a slug that a dyno uses is not dropped under it."""
        slug = docker_lab.slug(here=uuid4().bytes)
        runtime_id = docker_lab.run("hang", slug=slug)
        docker_lab.runtime.forget(slug.digest)
        assert slug.digest in docker_lab.runtime.prepared()
        docker_lab.runtime.remove(runtime_id)
        docker_lab.runtime.forget(slug.digest)

        assert slug.digest not in docker_lab.runtime.prepared()

    def test_a_lost_layer(self, slugs: CountingStore, images: Images):
        """A slug whose layer is not in the store cannot be prepared, and says which."""
        slug = slug_of(stored(slugs, uuid4().bytes))
        slugs.remove(slug.layers[0].digest)
        with pytest.raises(NotFound, match=slug.layers[0].digest[:12]):
            images.prepare(slug)

    def test_a_new_stack_image(self, slugs: CountingStore, docker_home: Any):
        """When the stack's image is made anew, slugs are prepared again on top of it."""
        settings, installation = docker_home
        engine = Engine(settings.docker_host, installation)
        name = f"kedge-{installation}/stack:test"
        slug = slug_of(stored(slugs, uuid4().bytes))
        engine.api.tag(settings.stack_run_image, name)
        images = Images(engine, name, slugs, settings.home)
        try:
            images.prepare(slug)
            assert slug.digest in images.prepared()
            self._change(engine, name)
            assert slug.digest not in images.prepared()
            images.prepare(slug)
            assert slug.digest in images.prepared()
            wanted = labels.filters(installation, slug=slug.digest)
            assert len(engine.api.images(filters=wanted)) == 1
        finally:
            images.forget(slug.digest)
            engine.api.remove_image(name, force=True)

    def _change(self, engine: Engine, name: str) -> None:
        made = engine.api.create_container(name, ["true"], labels={"kedge.changed": "yes"})["Id"]
        repository, tag = name.split(":")
        engine.api.commit(made, repository=repository, tag=tag)
        engine.api.remove_container(made)

    def test_no_stack_image(self, slugs: CountingStore, docker_home: Any):
        """Without the stack's image the error says how to make it."""
        images = Images(Engine("", docker_home[1]), "kedge/none:none", slugs, docker_home[0].home)
        with pytest.raises(RuntimeDown, match="kedge stack build"):
            images.prepare(slug_of(stored(slugs, b"x")))
        assert images.prepared() == set()
