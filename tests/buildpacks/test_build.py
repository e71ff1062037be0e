"""The runner in a real build container: choosing, refusing, limits, what is left out."""

import os

import pytest

from buildpacks.places import APPS

pytestmark = pytest.mark.docker


def test_a_procfile_alone_is_an_app(builder):
    """A Procfile with a byte order mark and CRLF declares types; the source is the slug."""
    built = builder.build(APPS / "procfile-only")
    assert built.status == 0, built.output
    assert "       Procfile declares types -> web, clock" in built.lines
    assert built.result["process_types"]["web"] == 'python3 -m http.server "$PORT"'
    assert [layer["kind"] for layer in built.result["layers"]] == ["source"]


def test_a_site_of_plain_files_is_served(builder):
    """A static site answers by its own server, clean URLs, headers and redirects included."""
    built = builder.build(APPS / "static-site")
    assert built.status == 0, built.output
    web = built.result["process_types"]["web"]
    assert built.answer(web, "/about") == "<h1>about</h1>\n"
    assert "max-age=60" in built.answer(web, "/docs/ -i")


def test_an_unknown_source_is_refused_in_herokus_words(builder, source):
    """Nothing detected: Heroku's sentence, what would be detected, and a failed push."""
    built = builder.build(source(files={"main.rs": "fn main() {}"}))
    assert built.status == 1
    assert " !     No default language could be detected for this app." in built.lines
    assert any("Python: requirements.txt" in line for line in built.lines)
    assert [line for line in built.lines if line][-1] == " !     Push failed"
    assert built.result["reason"] == "No default language could be detected for this app."


def test_a_named_buildpack_that_does_not_fit_is_refused(builder):
    """An app that is not what its buildpack builds is refused with what is missing."""
    built = builder.build(APPS / "procfile-only", buildpacks=["nodejs"])
    assert built.status == 1
    assert "-----> App not compatible with buildpack: nodejs" in built.lines
    assert any("package.json" in line for line in built.lines)


def test_a_broken_procfile_is_refused_before_anything_is_built(builder, source):
    """The line is named, and no buildpack runs."""
    built = builder.build(source("flask-hello", {"Procfile": "web: x\nworker\n"}))
    assert built.status == 1
    assert "Line 2 of the Procfile" in built.result["reason"]
    assert not any("app detected" in line for line in built.lines)


def test_a_slug_over_the_limit_names_its_largest_folders(builder, source):
    """Too large: Heroku's sentence, the largest folders, and no layer left behind."""
    app = source("procfile-only")
    (app / "media").mkdir()
    (app / "media/film").write_bytes(bytes(range(256)) * 400)
    built = builder.build(app, limit=100)
    assert built.status == 1
    assert "is too large (max is 100B)" in built.result["reason"]
    assert any(line.endswith("100.0K  media") for line in built.lines)
    assert built.left_in_out() == ["result.json"]


def test_ignored_files_are_in_neither_build_nor_slug(builder, source):
    """What .slugignore names is gone before detection; .git is never there."""
    files = {
        ".slugignore": "package.json\n*.md\n",
        "package.json": "{",
        "docs/a.md": "",
        ".git/x": "",
    }
    built = builder.build(source("procfile-only", files))
    assert built.status == 0, built.output
    paths = built.listing()
    assert "app/Procfile" in paths
    assert not any(path.endswith((".md", "package.json")) or ".git/" in path for path in paths)


def test_a_source_that_is_no_tar_is_refused(builder, tmp_path, monkeypatch):
    """Bytes that are no archive fail the build in words."""
    (tmp_path / "x").mkdir()

    def broken(place, *_):
        request(place, tmp_path / "x", (), {}, 1 << 20, None)
        (place / "in/source.tar").write_bytes(b"no tar at all" * 100)

    request = builder._request
    monkeypatch.setattr(builder, "_request", broken)
    built = builder.build(tmp_path / "x")
    assert built.status == 1
    assert built.result["reason"] == "The source could not be unpacked."


def test_odd_files_do_not_break_a_build(builder, source):
    """Unreadable files, names that are not UTF-8 and links in place of folders are all taken."""
    app = source("procfile-only", {"secret": "x"})
    if os.geteuid() == 0:  # nobody else could pack it
        (app / "secret").chmod(0)
    (app / b"caf\xe9".decode(errors="surrogateescape")).write_text("x" * 5000)
    (app / "node_modules").symlink_to("nowhere")
    built = builder.build(app)
    assert built.status == 0, built.output
    assert ["caf?", 5000] in built.result["largest"]
    assert "app/secret" in built.listing()
