"""Dependency trees: declared, kept, found unchanged."""

import os

import pytest
from _lib import dependency_tree
from _lib.dependency_tree import Declaration, fingerprint


@pytest.fixture
def build_dir(tmp_path):
    tree = tmp_path / "app" / "node_modules" / "ms"
    tree.mkdir(parents=True)
    (tree / "index.js").write_text("x")
    return tmp_path / "app"


def test_a_tree_survives_being_kept_and_restored_untouched(build_dir, tmp_path):
    """Keeping and restoring moves a tree without changing its fingerprint."""
    before = fingerprint([build_dir / "node_modules"])
    declaration = Declaration(("node_modules",), tmp_path / "cache/key")
    dependency_tree.keep(declaration, build_dir)
    assert not (build_dir / "node_modules").exists()
    (build_dir / "node_modules").mkdir()  # what the next source brings gives way
    assert dependency_tree.restore(tmp_path / "cache/key", build_dir) == ("node_modules",)
    assert fingerprint([build_dir / "node_modules"]) == before


def test_nothing_kept_restores_nothing(build_dir, tmp_path):
    """Restoring from where nothing is kept says so and changes nothing."""
    assert dependency_tree.restore(tmp_path / "none", build_dir) == ()
    assert (build_dir / "node_modules/ms/index.js").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text("longer"),
        lambda file: os.utime(file, (1, 1)),
        lambda file: file.chmod(0o700),
        lambda file: file.rename(file.with_name("other.js")),
        lambda file: (file.with_name("more.js")).write_text(""),
        lambda file: (file.with_name("link")).symlink_to("index.js"),
    ],
)
def test_any_change_shows_in_the_fingerprint(build_dir, change):
    """Size, time, mode, name, a new file and a new link each change a tree's fingerprint."""
    before = fingerprint([build_dir / "node_modules"])
    change(build_dir / "node_modules/ms/index.js")
    assert fingerprint([build_dir / "node_modules"]) != before


def test_tool_caches_do_not_count(build_dir):
    """Folders that are left out do not change a fingerprint."""
    leave_out = frozenset({".cache"})
    before = fingerprint([build_dir / "node_modules"], leave_out=leave_out)
    (build_dir / "node_modules/.cache").mkdir()
    (build_dir / "node_modules/.cache/x").write_text("x")
    assert fingerprint([build_dir / "node_modules"], leave_out=leave_out) == before


def test_keys_depend_on_every_part_and_its_borders():
    """Parts that join to the same text make different keys."""
    assert dependency_tree.key_of(["ab", "c"]) != dependency_tree.key_of(["a", "bc"])
