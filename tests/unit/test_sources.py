"""Sources: what is kept, what is refused and why, and what a build gets to unpack."""

import base64
import bz2
import datetime as dt
import gzip
import hashlib
import http.server
import io
import lzma
import os
import random
import resource
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kedge.engine import source_archive
from kedge.engine.source_fetch import is_public
from kedge.engine.sources import CleanedSource, SourceStore, clean, fetch, verify
from kedge.errors import BuildFailed, NotFound, TooLarge, Unavailable, VerificationFailed

MB = 1024 * 1024


def entry(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", **also: object):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    for key, value in also.items():
        setattr(info, key, value)
    return info


def link(name: str, to: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, to)


def folder(name: str) -> tarfile.TarInfo:
    return entry(name, tarfile.DIRTYPE, mode=0o755)


def tar(
    *entries: str | tarfile.TarInfo | tuple[str, bytes], tar_format=tarfile.PAX_FORMAT
) -> bytes:
    """An archive: files by name (their content is their name), or entries as they are."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tar_format) as out:
        for one in entries:
            if isinstance(one, tarfile.TarInfo):
                out.addfile(one)
                continue
            name, content = (one, one.encode()) if isinstance(one, str) else one
            out.addfile(entry(name, size=len(content)), io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def cleaned(tmp_path: Path) -> Callable[..., CleanedSource]:
    """Clean an archive given as bytes."""

    def of(archive: bytes, **options) -> CleanedSource:
        (tmp_path / "archive").write_bytes(archive)
        (tmp_path / "plain.tar").unlink(missing_ok=True)
        options.setdefault("limit_bytes", 100 * MB)
        try:
            return clean(tmp_path / "archive", tmp_path / "plain.tar", **options)
        except BuildFailed:
            assert {path.name for path in tmp_path.iterdir()} == {"archive"}, "nothing half-made"
            raise

    return of


def content(source: CleanedSource) -> dict[str, bytes | str | None]:
    """What the plain tar holds: bytes of files, targets of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    with tarfile.open(source.path, "r:") as plain:
        for info in plain:
            file = plain.extractfile(info) if info.isreg() else None
            found[info.name] = file.read() if file else info.linkname or None
    return found


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """Writes beyond a file's size fail half-way, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- clean: what comes out ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "packed", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]
)
def test_every_usual_packing_is_read(cleaned, packed):
    """A tar is told by its content, whether plain, gzip, bzip2, xz or zstd."""
    source = cleaned(packed(tar("Procfile", "app/main.py")))
    assert content(source) == {"Procfile": b"Procfile", "app/main.py": b"app/main.py"}
    assert (source.members, source.content_bytes) == (2, 19)


def test_xz_in_several_streams_is_read(cleaned):
    """What parallel packers write, stream after stream, is one archive."""
    whole = tar("a", ("b", os.urandom(50_000)))
    packed = lzma.compress(whole[:20_000]) + lzma.compress(whole[20_000:])
    assert list(content(cleaned(packed))) == ["a", "b"]


@pytest.mark.parametrize(
    "tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
def test_every_dialect_of_tar_is_read(cleaned, tar_format):
    """ustar, GNU and pax; long names too where the dialect has them."""
    names = ["x/" * 40 + "y" * 90, "ä/漢"]
    if tar_format != tarfile.USTAR_FORMAT:
        names.append("/".join(["z" * 200] * 5))
    assert list(content(cleaned(tar(*names, tar_format=tar_format)))) == names


def test_a_single_leading_folder_is_taken_off(cleaned):
    """GitHub's archives hold one folder; the app is what lies in it. Links move along."""
    github = tar(
        folder("repo-1a2b3c/"),
        "repo-1a2b3c/Procfile",
        "repo-1a2b3c/app/main.py",
        link("repo-1a2b3c/app/p", "../Procfile"),
        entry("repo-1a2b3c/hard", tarfile.LNKTYPE, "./repo-1a2b3c/Procfile"),
    )
    source = cleaned(github)
    assert source.leading_folder == "repo-1a2b3c"
    assert content(source) == {
        "Procfile": b"repo-1a2b3c/Procfile",
        "app/main.py": b"repo-1a2b3c/app/main.py",
        "app/p": "../Procfile",
        "hard": "Procfile",
    }
    assert "repo-1a2b3c/Procfile" in content(cleaned(github, strip_leading_folder=False))


@pytest.mark.parametrize("beside", ["Procfile", ".git/HEAD", "b/c"])
def test_two_things_at_the_top_are_no_leading_folder(cleaned, beside: str):
    """Anything beside the folder, Git's own folder too, means the top is the app."""
    source = cleaned(tar("a/b", beside))
    assert source.leading_folder is None
    assert "a/b" in content(source)


def test_git_folders_are_left_out(cleaned):
    """Nothing of `.git` reaches a build, at any depth, and nothing in it is judged."""
    source = cleaned(
        tar("./a", "./.git/config", link("./.git/x", "/etc"), "sub/.git", ".gitignore", "b.git/c")
    )
    assert list(content(source)) == ["a", ".gitignore", "b.git/c"]


def test_owners_and_setuid_go_and_names_are_plain(cleaned):
    """Members come out as `a/b`, owned by nobody in particular, executable or not."""
    archive = tar(
        folder("."),
        entry(".//bin/./tool", mode=0o6755, uid=1234, gid=5, uname="me", mtime=1e9),
        entry("secret", mode=0o4000, mtime=-5),
    )
    with tarfile.open(cleaned(archive).path) as plain:
        tool, secret = plain.getmembers()
    assert (tool.name, tool.mode, tool.uid, tool.gid, tool.uname) == ("bin/tool", 0o755, 0, 0, "")
    assert (tool.mtime, secret.mode, secret.mtime) == (1e9, 0o600, 0)


def test_links_within_the_source_stay(cleaned):
    """A link may point to what lies in the source, to nothing, or to itself."""
    links = {"a/l": "../b", "up": "a/..", "gone": "nowhere/at/all", "self": "self", "a/x": "."}
    source = cleaned(tar("b", "c", *(link(name, to) for name, to in links.items())))
    assert {name: to for name, to in content(source).items() if name in links} == links


def test_a_file_may_come_twice(cleaned):
    """An archive that was added to holds a file twice; the later one is the one unpacked."""
    source = cleaned(tar(("a", b"old"), folder("d"), folder("d/"), ("a", b"new")))
    assert content(source)["a"] == b"new"


# --- clean: what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (["/etc/passwd"], "/etc/passwd has a name that begins with a slash"),
        (["a/../../b"], "a/../../b has a name with `..` in it"),
        ([".."], "with `..`"),
        (["b", link("a", "/etc/passwd")], "a is a link to /etc/passwd, which is outside"),
        (["b", link("a/x", "../../b")], "a/x is a link to ../../b, which is outside"),
        (["b", link("a", "..")], "outside"),
        (["r/a", link("r/x", "../a")], "x is a link to ../a, which is outside"),
        # A link that only leads out through another one, in either order.
        (["f", link("a/b/s", "../.."), link("t", "a/b/s/../x")], "t is a link to"),
        (["f", link("t", "a/b/s/../x"), link("a/b/s", "../..")], "t is a link to"),
        ([link("a", "."), "a/b"], "a/b lies under a, which is a symbolic link"),
        (["a/b/c", link("a", ".")], "a/b/c lies under a, which is a symbolic link"),
        (["a", "a/b"], "a/b lies under a, which is a file"),
        (["a", link("a", "b")], "a is in the source twice"),
        ([link("a", "b"), link("a", "c"), "f"], "a is in the source twice"),
        (["f", entry("a", tarfile.LNKTYPE, "/etc/passwd")], "begins with a slash"),
        (["f", entry("a", tarfile.LNKTYPE, "../f")], "with `..`"),
        (["f", entry("a", tarfile.LNKTYPE, "later"), "later"], "a is a hard link to later, which"),
        (["f", ".git/x", entry("a", tarfile.LNKTYPE, ".git/x")], "a is a hard link to .git/x"),
        (["f", link("l", "f"), entry("a", tarfile.LNKTYPE, "l")], "a is a hard link to l"),
        ([entry("dev", tarfile.CHRTYPE)], "dev is a device"),
        ([entry("dev", tarfile.BLKTYPE)], "dev is a device"),
        ([entry("pipe", tarfile.FIFOTYPE)], "pipe is a device"),
        ([entry("odd", b"V")], "odd is a device"),
        (["a" * 256], "longer than 255 bytes"),
        (["a/" * 2100 + "b"], "longer than 4096 bytes"),
        (["f", link("l", "x/" * 600)], "empty or too long"),
        ([folder("only"), folder("only/folders")], "holds no files"),
        ([".git/HEAD"], "holds no files"),
        ([], "holds no files"),
    ],
)
def test_what_no_source_may_hold_is_refused_by_name(cleaned, members: list, words: str):
    """Whatever could leave the folder a build unpacks into is refused, and named."""
    with pytest.raises(BuildFailed) as refused:
        cleaned(tar(*members))
    assert words in refused.value.message


def test_a_name_that_is_no_utf8_is_refused(cleaned):
    """A Latin-1 name is refused, and shown readably."""
    with pytest.raises(BuildFailed, match=r"caf\\udce9 has a name that is not UTF-8"):
        cleaned(entry("caf\xe9").tobuf(tarfile.GNU_FORMAT, "latin-1") + bytes(1024))


def test_a_nul_in_a_name_is_refused(cleaned):
    """A name that ends early for one program and not for another is refused."""
    info = entry("x")
    info.pax_headers = {"path": "a\0b"}
    with pytest.raises(BuildFailed, match=r"a\\x00b has a name with a NUL"):
        cleaned(tar(info))


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "zip archive. Send a .tar.gz"),
        (b"<html>404</html>" * 100, "is not a tar archive"),
        (b"x", "is not a tar archive"),
        (b"\x1f\x8bnothing", "is not a tar archive"),
        (b"BZh9nothing", "is not a tar archive"),
        (b"\xfd7zXZ\0nothing", "is not a tar archive"),
        (b"\x28\xb5\x2f\xfdnothing", "is not a tar archive"),
    ],
)
def test_what_is_no_archive_is_refused(cleaned, archive: bytes, words: str):
    """Other files are refused in words that say what is taken."""
    with pytest.raises(BuildFailed, match=words):
        cleaned(archive)


@pytest.mark.parametrize(
    "packed", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]
)
def test_a_cut_off_archive_is_refused(cleaned, packed):
    """However little is missing of the files, no half source is built."""
    chance = random.Random(5)
    whole = packed(tar(*((f"f{n}", chance.randbytes(3000)) for n in range(30)))[: 30 * 3584])
    for size in [*chance.sample(range(8, len(whole)), 20), len(whole)]:
        with pytest.raises(BuildFailed, match="cut off or damaged"):
            cleaned(whole[:size])


def test_damage_in_the_middle_is_refused(cleaned):
    """A broken header is not taken for the end."""
    broken = bytearray(tar("a", "b", "c"))
    broken[1024 + 150] ^= 0xFF
    with pytest.raises(BuildFailed, match="cut off or damaged"):
        cleaned(bytes(broken))


def test_random_damage_is_never_more_than_a_refusal(cleaned):
    """Any flipped bytes end in words or in an archive that passes, never in a crash."""
    seed = random.randrange(1 << 30)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    sound = tar("a", link("l", "a"), "d/" + "n" * 150, entry("h", tarfile.LNKTYPE, "a"), "ä")
    for _ in range(300):
        damaged = bytearray(sound)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(BuildFailed):
            cleaned(bytes(damaged))


def test_too_much_is_refused_while_it_is_unpacked(cleaned):
    """Over the limit of plain bytes the archive is read no further."""
    with pytest.raises(BuildFailed, match="larger than 1 MB unpacked"):
        cleaned(gzip.compress(tar(("a", os.urandom(2 * MB)))), limit_bytes=MB)


def test_a_bomb_is_refused_by_its_ratio(cleaned):
    """A small archive of a huge file of zeros is refused under the limit too."""
    bomb = gzip.compress(tar(("zeros", bytes(70 * MB))))
    with pytest.raises(BuildFailed, match="more than 300 times its size"):
        cleaned(bomb)


def test_too_many_members_are_refused(cleaned, monkeypatch):
    """The number of files is bounded, as the memory for their names is."""
    monkeypatch.setattr(source_archive, "MOST_MEMBERS", 10)
    with pytest.raises(BuildFailed, match="more than 10 files and folders"):
        cleaned(tar(*(f"f{n}" for n in range(11))))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_is_not_read_into_memory_whatever_its_size(cleaned, kind: bytes):
    """A name of a gigabyte is refused by the size it claims."""
    claim = entry("x", kind, size=1 << 30).tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(BuildFailed, match="impossible size"):
        cleaned(claim + bytes(10_000))


def test_a_full_disk_is_not_the_pushers_fault(cleaned, tmp_path: Path):
    """A disk that fills while unpacking is said as such; nothing half-made stays."""
    archive = gzip.compress(tar(("a", bytes(MB))))
    (tmp_path / "archive").write_bytes(archive)
    with files_no_longer_than(100_000), pytest.raises(Unavailable, match="Make room"):
        clean(tmp_path / "archive", tmp_path / "plain.tar", limit_bytes=100 * MB)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


# --- the store ---------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> SourceStore:
    return SourceStore(tmp_path / "sources", limit_bytes=10 * MB, allow_private=True)


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


# --- fetch -------------------------------------------------------------------------------------

ARCHIVE = gzip.compress(tar("repo/Procfile"))


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None, str | None]]

    def do_GET(self) -> None:
        headers = self.headers
        self.server.asked.append((self.path, headers["Host"], headers["Authorization"]))
        path = self.path.partition("?")[0]
        answer = getattr(self, "answer_" + path.strip("/").replace("/", "_"), None)
        if answer is None:
            self.send_error(404)
        else:
            answer()

    def send(self, body: bytes, status: int = 200, length: int | None = None, **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answer_archive(self) -> None:
        self.send(ARCHIVE)

    def answer_packed(self) -> None:
        self.send(ARCHIVE, Content_Encoding="gzip")

    def answer_hop(self) -> None:
        self.send(b"", 302, Location="/archive")

    def answer_round(self) -> None:
        self.send(b"", 301, Location="/round")

    def answer_away(self) -> None:
        self.send(b"", 302, Location="file:///etc/passwd")

    def answer_inside(self) -> None:
        self.send(b"", 302, Location="http://169.254.169.254/latest")

    def answer_short(self) -> None:
        self.send(b"x" * 10, length=1000)
        self.close_connection = True

    def answer_long(self) -> None:
        self.send(b"", length=1 << 40)
        self.close_connection = True

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(bytes(65536))
        except OSError:
            pass

    def answer_slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


class Sites(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away in the middle here; that is the point."""


def serve(context: ssl.SSLContext | None = None) -> Sites:
    server = Sites(("127.0.0.1", 0), Site)
    server.asked, server.closing = [], threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    return server


def stop(server: Sites) -> None:
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def site() -> Iterator[Sites]:
    server = serve()
    yield server
    stop(server)


@pytest.fixture
def fetched(site: Sites, tmp_path: Path) -> Callable[..., Path]:
    """Fetch a path of the site, or a whole URL."""

    def of(path: str, **options) -> Path:
        url = path if ":" in path else f"http://127.0.0.1:{site.server_port}{path}"
        target = tmp_path / "fetched"
        defaults = {"limit_bytes": MB, "timeout_seconds": 20.0, "allow_private": True}
        try:
            size_bytes = fetch(url, target, **{**defaults, **options})
        except BuildFailed:
            assert list(tmp_path.iterdir()) == [], "nothing half-made"
            raise
        assert size_bytes == target.stat().st_size
        return target

    return of


@pytest.mark.parametrize("path", ["/archive", "/packed", "/hop", "/archive?signature=1"])
def test_an_archive_is_fetched_as_it_is(fetched, path: str):
    """Packed stays packed, redirects are followed, a query is sent along."""
    assert fetched(path).read_bytes() == ARCHIVE


def test_a_build_gets_what_its_url_gives(store: SourceStore, source_id: UUID, site: Sites):
    """Fetched once, checked, the leading folder off; fetched no second time."""
    url = f"http://127.0.0.1:{site.server_port}/archive"
    checksum = "SHA256:" + hashlib.sha256(ARCHIVE).hexdigest()
    plain = store.obtain(source_id, url, checksum)
    with tarfile.open(plain) as found:
        assert found.getnames() == ["Procfile"]
    assert store.obtain(source_id, url, checksum) == plain
    assert len(site.asked) == 1
    with pytest.raises(VerificationFailed):
        store.obtain(source_id, url, "SHA256:" + "0" * 64)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nothing?token=s3cret", r"/nothing answered 404 Not Found\. Check the address"),
        ("/round", "redirects more than 5 times"),
        ("/away", "address is file:"),
        ("/short", "could not be fetched"),
        ("/long", "larger than 1 MB"),
        ("/endless", "larger than 1 MB"),
        ("ftp://example.com/a.tar", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("http://", "begins with https://"),
        ("http://[::1/a", "cannot be read"),
        ("http://127.0.0.1:1/a", "could not be fetched"),
    ],
)
def test_what_cannot_be_had_is_said(fetched, path: str, words: str):
    """Each failure has its words, and none shows what may be secret in an address."""
    with pytest.raises(BuildFailed, match=words) as refused:
        fetched(path)
    assert "s3cret" not in refused.value.message


def test_a_slow_site_does_not_hold_a_build_for_ever(fetched):
    """The time allowed is for all of it, however the bytes trickle."""
    with pytest.raises(BuildFailed, match="takes too long"):
        fetched("/slow", timeout_seconds=0.3)


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "[::1]", "2130706433", "169.254.169.254"]
)
def test_addresses_inside_are_refused(fetched, name: str):
    """Nobody reaches the platform's own machine or network through a build's address."""
    with pytest.raises(BuildFailed, match="an address inside this network"):
        fetched(f"http://{name}:9/x", allow_private=False)


def test_a_name_with_one_address_inside_is_refused(fetched):
    """One public address beside it does not help."""
    with pytest.raises(BuildFailed, match=r"is at 10\.0\.0\.1"):
        fetched(
            "http://tricky.example/x",
            allow_private=False,
            resolve=lambda host, port: ["203.0.112.1", "10.0.0.1"],
        )


def test_a_name_without_an_address_is_said(fetched):
    """A misspelt name is said to have no address."""
    with pytest.raises(BuildFailed, match="no address for nowhere"):
        fetched("http://nowhere.example/x", resolve=lambda host, port: [])


def test_a_redirect_is_checked_as_the_first_address_was(site: Sites, tmp_path: Path, monkeypatch):
    """A public site cannot send the platform to an address inside."""
    monkeypatch.setattr(
        "kedge.engine.source_fetch.is_public",
        lambda address: address == "127.0.0.1" or is_public(address),
    )
    with pytest.raises(BuildFailed, match=r"is at 169\.254\.169\.254"):
        fetch(
            f"http://127.0.0.1:{site.server_port}/inside",
            tmp_path / "x",
            limit_bytes=MB,
            timeout_seconds=20,
        )


def test_the_connection_goes_where_the_check_was(fetched, site: Sites):
    """The name is looked up once; the site still hears its name, and its account."""
    looked_up = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return ["127.0.0.1"]

    fetched(f"http://me:pass@source.example:{site.server_port}/archive", resolve=resolve)
    assert looked_up == [("source.example", site.server_port)]
    account = base64.b64encode(b"me:pass").decode()
    assert site.asked == [("/archive", f"source.example:{site.server_port}", f"Basic {account}")]


def test_the_certificate_must_be_the_names(fetched, tmp_path_factory, monkeypatch):
    """Over https the certificate is checked against the name, though the address is used."""
    pem = certificate(tmp_path_factory.mktemp("pem") / "pem", "source.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    server = serve(context)
    try:
        port = server.server_port
        there = {"resolve": lambda host, port: ["127.0.0.1"]}
        with pytest.raises(BuildFailed, match=r"(?i)certificate"):
            fetched(f"https://other.example:{port}/archive", **there)
        assert fetched(f"https://source.example:{port}/archive", **there).stat().st_size > 0
    finally:
        stop(server)


def certificate(path: Path, name: str) -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, plain)
    )
    return path


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_public_is_what_the_whole_internet_can_reach(address: str, public: bool):
    """Private ranges are told also in their IPv6 disguises."""
    assert is_public(address) is public
