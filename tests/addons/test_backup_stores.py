"""Where backups are kept: one contract for the folder and for a bucket behind S3."""

import hashlib
import socket
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from addons.side import wait_until
from kedge_addons.errors import Away
from kedge_addons.postgres.backups import rclone
from kedge_addons.postgres.backups.bucket import S3Store, bucket_of
from kedge_addons.postgres.backups.digest import Digest, checked
from kedge_addons.postgres.backups.folder import FolderStore
from kedge_addons.postgres.backups.store import Store, StoreFailed

PIECES = [bytes([n]) * 100_000 for n in range(50)]
KEY = "171293e4-5129-4288-bdd2-7a660e86e603"


@pytest.fixture(scope="module")
def bucket_url(tmp_path_factory) -> Iterator[str]:
    """A real S3 server with an empty bucket."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "kept").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [rclone.program(), "serve", "s3", str(folder), "--config", "/dev/null",
               "--addr", f"127.0.0.1:{port}", "--auth-key", "key,s3cret"]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_until(lambda: _answers(port), 20)
    yield f"s3://key:s3cret@127.0.0.1:{port}/kept/of-kedge?tls=no"
    server.kill()
    server.wait()


def _answers(port: int) -> bool:
    try:
        return bool(httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code)
    except httpx.HTTPError:
        return False


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "backups")
    return S3Store(bucket_of(request.getfixturevalue("bucket_url")))


def test_what_is_written_is_read_until_it_is_removed(store):
    """The same bytes, of the size it says; removed, there is nothing, also when removed again."""
    assert store.size(KEY) is None
    assert store.write(KEY, PIECES) == 5_000_000
    assert store.size(KEY) == 5_000_000
    assert b"".join(store.read(KEY)) == b"".join(PIECES)
    store.remove(KEY)
    store.remove(KEY)
    assert store.size(KEY) is None
    with pytest.raises(Away):
        list(store.read(KEY))


def test_what_breaks_off_is_not_there(store):
    """A dump that fails midway leaves nothing that could be taken for a backup."""

    def broken() -> Iterator[bytes]:
        yield PIECES[0]
        raise Away("The server went away.")

    with pytest.raises(Away, match="went away"):
        store.write(KEY, broken())
    assert store.size(KEY) is None


def test_a_full_disk_is_kept_from_being_fuller(tmp_path):
    """Less than the reserve is left: nothing is written, and the words say what to do."""
    full = FolderStore(tmp_path, reserve_bytes=1 << 60)
    with pytest.raises(StoreFailed, match="Remove old backups"):
        full.write(KEY, PIECES)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_key_is_refused_in_words_without_it(bucket_url):
    """The bucket's own words, and never the secret."""
    wrong = S3Store(bucket_of(bucket_url.replace("s3cret", "wr0ng")))
    with pytest.raises(StoreFailed) as caught:
        wrong.write(KEY, PIECES)
    assert "wr0ng" not in caught.value.message
    assert "bucket" in caught.value.message or "upload" in caught.value.message


def test_keys_are_no_arguments(bucket_url):
    """Nobody who lists processes sees the secret."""
    with S3Store(bucket_of(bucket_url))._rclone("rcat", KEY, reads=True) as running:
        arguments = running.process.args
        running.process.stdin.close()
    assert "s3cret" not in str(arguments)


@pytest.mark.parametrize(
    "url", ["", "s3://host/bucket", "https://k:s@host/bucket", "s3://k:s@host", "s3://k@host/b"]
)
def test_what_is_no_address_of_a_bucket(url):
    """It is refused in words that do not repeat it."""
    with pytest.raises(ValueError, match=r"^KEDGE_BACKUPS_URL must be"):
        bucket_of(url)


def test_other_bytes_are_noticed():
    """A bit that turned, or a byte that is missing, is no backup."""
    digest = Digest()
    assert b"".join(digest.of(PIECES)) == b"".join(PIECES)
    assert digest.sha256 == hashlib.sha256(b"".join(PIECES)).hexdigest()
    assert len(list(checked(PIECES, digest.size_bytes, digest.sha256))) == len(PIECES)
    with pytest.raises(StoreFailed):
        list(checked(PIECES[1:], digest.size_bytes, digest.sha256))
    with pytest.raises(StoreFailed):
        list(checked([*PIECES[1:], PIECES[0]], digest.size_bytes, digest.sha256))
