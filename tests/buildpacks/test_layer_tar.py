"""Layers as tars."""

import hashlib
import os
import tarfile

from _runner.layer_tar import LayerTar, walk


def fill(root):
    (root / "b").mkdir(parents=True)
    (root / "b" / ("long" * 40)).write_text("x" * 1000)
    (root / "a.sh").write_text("#!/bin/sh\n")
    (root / "a.sh").chmod(0o700)
    (root / "link").symlink_to("b/nowhere")
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    (root / b"caf\xe9".decode(errors="surrogateescape")).write_text("latin")


def pack(root, target):
    with LayerTar(target, mtime=1_000) as tar:
        for path in walk(root, ""):
            tar.add(root / path, f"app/{path}")
        return tar.finish()


def test_equal_trees_make_equal_digests(tmp_path):
    """Modes beyond the execute bit, times and the order of making do not change a layer."""
    fill(tmp_path / "one")
    first = pack(tmp_path / "one", tmp_path / "one.tar")
    fill(tmp_path / "two")
    (tmp_path / "two/b").chmod(0o700)
    os.utime(tmp_path / "two/a.sh", (5, 5))
    assert pack(tmp_path / "two", tmp_path / "two.tar") == first


def test_the_digest_and_size_are_the_files(tmp_path):
    """The digest taken while writing is that of the file, and its size too."""
    fill(tmp_path / "one")
    written = pack(tmp_path / "one", tmp_path / "one.tar")
    content = (tmp_path / "one.tar").read_bytes()
    assert written.digest == hashlib.sha256(content).hexdigest()
    assert written.size_bytes == len(content)
    assert 0 < written.compressed_bytes <= len(content)


def test_entries_are_sorted_owned_by_the_dyno_and_complete(tmp_path):
    """Entries are sorted, of uid 1000, of one time; links and odd names are kept, pipes not."""
    fill(tmp_path / "one")
    pack(tmp_path / "one", tmp_path / "one.tar")
    with tarfile.open(tmp_path / "one.tar", errors="surrogateescape") as tar:
        entries = tar.getmembers()
    names = [entry.name for entry in entries]
    assert names == sorted(names, key=os.fsencode)
    assert "app/pipe" not in names
    assert "app/caf\udce9" in names
    assert {(e.uid, e.gid, e.mtime) for e in entries} == {(1000, 1000, 1000)}
    modes = {e.name: e.mode for e in entries}
    assert (modes["app/a.sh"], modes["app/b"]) == (0o755, 0o755)
    assert next(e for e in entries if e.name == "app/link").linkname == "b/nowhere"


def test_a_walk_leaves_out_whole_trees(tmp_path):
    """What is left out is left out with everything below it."""
    fill(tmp_path / "one")
    walked = list(walk(tmp_path / "one", "", frozenset({"b"})))
    assert "a.sh" in walked
    assert not any(path.startswith("b") for path in walked)
