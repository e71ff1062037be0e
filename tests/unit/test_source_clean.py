"""What a build gets to unpack, and what is refused and why."""

import bz2
import gzip
import lzma
import os
import random
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from kedge.engine import source_archive
from kedge.engine.sources import CleanedSource, clean
from kedge.errors import BuildFailed, Unavailable
from source_archives import MB, entry, files_no_longer_than, folder, link, tar


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
