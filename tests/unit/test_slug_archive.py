"""A slug of several layers as one archive."""

import io
import tarfile

from kedge.engine import slug_archive
from kedge.engine.fakes import FakeSlugStore
from kedge.engine.slugs import slug_of
from source_archives import entry, folder, link, tar


def packed(*layers):
    """The members of the archive of a slug of these layers, bottom first: name and content."""
    slugs = FakeSlugStore()
    slug = slug_of([slugs.add(io.BytesIO(layer), "source") for layer in layers])
    archive = b"".join(slug_archive.packed(slugs, slug))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return [
            (info.name, opened.extractfile(info).read() if info.isreg() else info.linkname)
            for info in opened
        ]


def test_all_layers_are_in_it_with_every_name_once():
    """What a layer above has instead is what a dyno sees, and what is packed."""
    below = tar(folder("app"), ("app/a", b"old"), "app/b", folder("app/c"), "app/c/d", "app/e")
    above = tar(folder("app"), ("app/a", b"new"), link("app/c", "b"), folder("app/e"), "app/e/f")
    assert packed(below, above) == [
        ("./app", ""),
        ("./app/b", b"app/b"),
        ("./app", ""),
        ("./app/a", b"new"),
        ("./app/c", "b"),
        ("./app/e", ""),
        ("./app/e/f", b"app/e/f"),
    ]


def test_hard_links_and_long_names_survive():
    """A link leads to its file's new name."""
    long = "app/" + "/".join(["n" * 120] * 3)
    members = dict(packed(tar("app/a", entry("app/b", tarfile.LNKTYPE, "app/a"), long)))
    assert members == {"./app/a": b"app/a", "./app/b": "./app/a", f"./{long}": long.encode()}
