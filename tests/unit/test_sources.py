"""Sources are kept whole or not at all, and checked on their way to a build."""

import hashlib
import io
import tarfile
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from kedge.engine.sources import SourceStore, verify
from kedge.errors import BuildFailed, NotFound, TooLarge, Unavailable, VerificationFailed
from source_archives import MB, files_no_longer_than, tar


@pytest.fixture
def store(tmp_path: Path) -> SourceStore:
    return SourceStore(tmp_path / "sources", limit_bytes=10 * MB)


@pytest.fixture
def source_id() -> UUID:
    return uuid4()


def test_a_source_is_kept_under_its_id(store: SourceStore, source_id: UUID):
    """What was written is what is read; removed it is gone, and removing again is fine."""
    assert store.write(source_id, io.BytesIO(b"x" * 3_000_000)) == 3_000_000
    assert store.path(source_id).read_bytes() == b"x" * 3_000_000
    assert list(store.ages()) == [source_id]
    assert 0 <= store.ages()[source_id] < 60
    store.remove(source_id)
    store.remove(source_id)
    assert store.ages() == {}
    with pytest.raises(NotFound, match="never uploaded"):
        store.path(source_id)


def test_too_large_an_upload_leaves_nothing(store: SourceStore, source_id: UUID, tmp_path: Path):
    """Over the limit it is refused in words, and an earlier upload stays."""
    store.write(source_id, io.BytesIO(b"earlier"))
    with pytest.raises(TooLarge, match="larger than 1 MB"):
        store.write(source_id, io.BytesIO(bytes(2 * MB)), MB)
    with pytest.raises(TooLarge, match="larger than 10 MB"):
        store.write(source_id, io.BytesIO(bytes(11 * MB)))
    assert store.path(source_id).read_bytes() == b"earlier"
    assert len(list((tmp_path / "sources").iterdir())) == 1


def test_an_upload_that_breaks_off_leaves_nothing(store: SourceStore, source_id: UUID, tmp_path):
    """When the client goes away in the middle there is no source."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        store.write(source_id, Broken(bytes(3 * MB)))
    assert list((tmp_path / "sources").iterdir()) == []


def test_a_full_disk_is_said(store: SourceStore, source_id: UUID, tmp_path: Path):
    """Nothing half-made stays when the disk fills."""
    with files_no_longer_than(100_000), pytest.raises(Unavailable, match="Make room in"):
        store.write(source_id, io.BytesIO(bytes(MB)))
    assert list((tmp_path / "sources").iterdir()) == []


def test_a_digest_is_checked_on_the_way_in(store: SourceStore, source_id: UUID):
    """An upload with another digest than announced is not kept."""
    store.write(source_id, io.BytesIO(b"abc"), sha256=hashlib.sha256(b"abc").hexdigest().upper())
    with pytest.raises(VerificationFailed, match="changed on its way"):
        store.write(uuid4(), io.BytesIO(b"abd"), sha256=hashlib.sha256(b"abc").hexdigest())
    assert list(store.ages()) == [source_id]


@pytest.mark.parametrize(
    ("checksum", "words"),
    [
        ("SHA256:" + "0" * 64, "SHA256 is ba7816bf"),
        ("md5:" + "0" * 32, "cannot be read"),
        ("SHA256:xyz", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_checksum_is_verified(tmp_path: Path, checksum: str, words: str):
    """`SHA256:<hex>` as Heroku's API takes it; anything else is refused."""
    (tmp_path / "a").write_bytes(b"abc")
    verify(tmp_path / "a", "SHA256:" + hashlib.sha256(b"abc").hexdigest())
    with pytest.raises(VerificationFailed, match=words):
        verify(tmp_path / "a", checksum)


def test_a_pushed_source_is_unpacked_as_it_is(store: SourceStore, source_id: UUID):
    """An app whose repository holds a single folder keeps that folder."""
    store.write(source_id, io.BytesIO(tar("src/main.py")))
    plain = store.obtain(source_id)
    with tarfile.open(plain) as found:
        assert found.getnames() == ["src/main.py"]
    assert store.obtain(source_id) == plain
    store.remove(source_id)
    assert not plain.exists()


def test_a_source_that_is_gone_is_said(store: SourceStore, source_id: UUID):
    """A build of a source that is not there fails in words for the pusher."""
    with pytest.raises(BuildFailed, match="Upload or push it again"):
        store.obtain(source_id)
