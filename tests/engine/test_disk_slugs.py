"""The slug store on disk: nothing half-made, whatever happens."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kedge.engine.slugs import DiskSlugStore, slug_of
from kedge.errors import NotFound, Unavailable


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class FailingSource(io.RawIOBase):
    """A source that breaks off in the middle."""

    def __init__(self) -> None:
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        self._reads += 1
        if self._reads > 2:
            raise ValueError("broken off")
        return b"x" * 1000


def test_files_are_compressed(tmp_path: Path):
    """A layer takes less room on disk than it has bytes, and its stored size is the file's."""
    layer = DiskSlugStore(tmp_path).add(io.BytesIO(b"same " * 100_000), "source")

    assert names(tmp_path) == [f"{layer.digest}.tar.zst"]
    assert layer.stored_bytes == next(tmp_path.iterdir()).stat().st_size < 10_000


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the disk is full the error says what to do and no part of the layer stays."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = DiskSlugStore(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"No space left on device.*Make room in"):
        store.add(io.BytesIO(b"layer"), "source")

    assert names(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "kedge-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_really_full_disk_leaves_nothing(small_disk: Path):
    """The same on a disk that is too small, and what was there before stays whole."""
    store = DiskSlugStore(small_disk)
    kept = store.add(io.BytesIO(b"kept"), "source")
    with pytest.raises(Unavailable, match="No space left"):
        store.add(io.BytesIO(os.urandom(1_000_000)), "source")

    assert names(small_disk) == [f"{kept.digest}.tar.zst"]


def test_a_broken_source_leaves_nothing(tmp_path: Path):
    """When the source breaks off, its error goes through and no part of the layer stays."""
    with pytest.raises(ValueError, match="broken off"):
        DiskSlugStore(tmp_path).add(FailingSource(), "source")  # type: ignore[arg-type]

    assert names(tmp_path) == []


def test_writers_at_the_same_time(tmp_path: Path):
    """Several writers of the same content leave one whole layer."""
    content = os.urandom(2_000_000)
    layers: list[Any] = []

    def write() -> None:
        layers.append(DiskSlugStore(tmp_path).add(io.BytesIO(content), "source"))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(set(layers)) == 1
    assert names(tmp_path) == [f"{layers[0].digest}.tar.zst"]
    with DiskSlugStore(tmp_path).open(layers[0].digest) as tar:
        assert tar.read() == content


def test_an_open_layer_outlives_its_removal(tmp_path: Path):
    """Who reads a layer while it is collected reads it to the end."""
    store = DiskSlugStore(tmp_path)
    layer = store.add(io.BytesIO(b"kept " * 1000), "source")
    with store.open(layer.digest) as tar:
        store.remove(layer.digest)
        assert tar.read() == b"kept " * 1000


def test_parts_of_killed_writers_go(tmp_path: Path):
    """A part file of a writer killed long ago goes with the next layer; a fresh one stays."""
    old, fresh = tmp_path / ".part-old", tmp_path / ".part-fresh"
    for part in (old, fresh):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    DiskSlugStore(tmp_path).add(io.BytesIO(b"layer"), "source")

    assert not old.exists()
    assert fresh.exists()


def test_only_digests_are_paths(tmp_path: Path):
    """Nothing but a digest leads to a file: a path in its place is not found."""
    with pytest.raises(NotFound):
        DiskSlugStore(tmp_path).has("../../etc/passwd")


def test_a_slug_is_named_by_its_layers(tmp_path: Path):
    """The same layers give the same slug; another order gives another."""
    store = DiskSlugStore(tmp_path)
    below = store.add(io.BytesIO(b"below"), "dependencies")
    above = store.add(io.BytesIO(b"above"), "source")

    assert slug_of([below, above]) == slug_of([below, above])
    assert slug_of([below, above]).digest != slug_of([above, below]).digest
