"""The static server's decisions: which file, which form of it."""

import os

import pytest
import representation
import resolve
from settings import Redirect, Settings, glob, read


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "site"
    (root / "docs").mkdir(parents=True)
    for name in ("index.html", "about.html", "docs/index.html", "404.html", "app.3f2a91bc.js"):
        (root / name).write_text(name)
    (root / ".env").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    (root / "escape").symlink_to("../outside.txt")
    return Settings(root=root, clean_urls=True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index.html"),
        ("/about", "about.html"),
        ("/about.html", "about.html"),
        ("/docs/", "docs/index.html"),
        ("/docs", "docs/index.html"),
    ],
)
def test_paths_lead_to_files(site, path, name):
    """A path leads to its file, a folder's index, or the page with `.html` added."""
    found = resolve.resolve(site, path)
    assert (found.file, found.status) == (site.root / name, 200)
    assert found.folder == (path == "/docs")


@pytest.mark.parametrize(
    "path", ["/nothing", "/escape", "/about.html/", "/Procfile", "/" + "a" * 300]
)
def test_what_is_not_there_or_outside_is_lost(site, path):
    """A missing file, and a link that leads out of the site, get the error page with 404."""
    found = resolve.resolve(site, path)
    assert (found.file, found.status) == (site.root / "404.html", 404)


@pytest.mark.parametrize(
    "path", ["/../x", "/%2e%2e/x", "/a/..%2f..%2fx", "/.env", "/.git/config", "/a%00", "a"]
)
def test_paths_that_climb_or_hide_are_no_paths(path):
    """No form of `..`, no dot file, no NUL reaches the file system."""
    assert resolve.decode(path) is None


def test_well_known_paths_are_served():
    """`.well-known` is the one dot folder that is the site's."""
    assert resolve.decode("/.well-known/acme?x=1") == "/.well-known/acme"


def test_routes_take_what_no_file_takes(site):
    """A route answers paths without a file, so that a single-page app finds its way."""
    spa = Settings(root=site.root, routes=((glob("/**"), "index.html"),))
    assert resolve.resolve(spa, "/deep/link").file == site.root / "index.html"
    assert resolve.resolve(spa, "/about.html").file == site.root / "about.html"


def test_the_entity_tag_is_of_the_content(site):
    """Equal size and time do not make equal tags; equal content does."""
    one, two = site.root / "about.html", site.root / "other.html"
    two.write_text("ABOUT.html")
    for file in (one, two):
        os.utime(file, (1, 1))
    assert representation.represent(one, "").etag != representation.represent(two, "").etag


def test_text_is_compressed_for_those_who_take_it(site):
    """A text of some size is sent as gzip with a tag of its own; a small one as it is."""
    big = site.root / "big.css"
    big.write_text("a { color: navy }\n" * 100)
    plain, packed = (representation.represent(big, accepted) for accepted in ("", "br, gzip"))
    assert packed.encoding == "gzip"
    assert packed.size_bytes < plain.size_bytes
    assert packed.etag != plain.etag
    assert representation.represent(site.root / "about.html", "gzip").encoding is None


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("br", False),
        ("", False),
    ],
)
def test_accept_encoding_is_read(header, takes):
    """Gzip is sent only where it is allowed; q=0 forbids it."""
    assert representation.takes_gzip(header) is takes


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-3", range(4)),
        ("bytes=4-", range(4, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=8-99", range(8, 10)),
        ("bytes=-0", range(10, 10)),
        ("bytes=10-", range(10, 10)),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        (None, None),
    ],
)
def test_ranges_are_cut(site, header, wanted):
    """One range of bytes is honoured, an impossible one is empty, anything else means all."""
    sent = representation.represent(site.root / "index.html", "")
    assert sent.size_bytes == 10
    found = representation.byte_range(header, None, sent)
    assert found == wanted or (found is not None and not found and not wanted)
    assert representation.byte_range(header, '"other"', sent) is None


def test_a_copy_is_current_by_tag_before_time(site):
    """If-None-Match decides; If-Modified-Since only without it."""
    sent = representation.represent(site.root / "index.html", "")
    assert representation.not_modified(sent, f"W/{sent.etag}", None)
    assert not representation.not_modified(sent, '"old"', sent.last_modified)
    assert representation.not_modified(sent, None, sent.last_modified)
    assert not representation.not_modified(sent, None, "yesterday")


def test_hashed_names_are_cached_for_ever(site):
    """A name with a hash in it never changes its content; any other is asked for every time."""
    hashed = representation.represent(site.root / "app.3f2a91bc.js", "")
    assert "immutable" in hashed.cache_control
    assert "max-age=0" in representation.represent(site.root / "index.html", "").cache_control


def test_settings_are_read(tmp_path):
    """The keys of static.json become the site's settings."""
    file = tmp_path / "settings.json"
    file.write_text(
        '{"root": "d/", "redirects": {"/a": {"url": "/b", "status": 302}}, "https_only": true}'
    )
    found = read(file, tmp_path)
    assert (found.root, found.https_only) == (tmp_path / "d", True)
    assert found.redirects == {"/a": Redirect("/b", 302)}
