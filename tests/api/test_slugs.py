"""Slugs that are uploaded, released and downloaded, as Heroku's API has it."""

import gzip
import hashlib
import io
import random
import tarfile
import uuid
from datetime import timedelta

import pytest

from kedge.engine import slug_upload
from source_archives import entry, files_no_longer_than, link, tar

ARCHIVE = gzip.compress(tar("./app/web.py", "./app/lib/a", "./outside"), mtime=0)
WANTED = {"process_types": {"web": "python3 web.py", "worker": "sleep 1"}}


@pytest.fixture
def slug(api, hello):
    """A slug that is announced, and not uploaded yet."""
    return api.post("/apps/hello/slugs", WANTED)


def path(blob):
    """Where a blob is on this platform."""
    return "/" + blob["url"].split("/", 3)[3]


def put(api, slug, archive=ARCHIVE, status=200):
    """Upload an archive as whoever has the address, without credentials."""
    nobody = {"Authorization": ""}
    return api.put(path(slug["blob"]), status=status, data=archive, headers=nobody)


def content(archive):
    """Names and contents of an archive's files, targets of its links."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        return {
            info.name: opened.extractfile(info).read() if info.isreg() else info.linkname
            for info in opened
            if not info.isdir()
        }


def test_a_slug_is_announced_with_an_address_to_put_it_to(api, hello):
    """What is said of it is kept; it has no size until its archive is there."""
    said = {
        "buildpack_provided_description": "Ruby/Rack",
        "commit": "60883d9e8947a57e04dc9124f25df004866a2051",
        "commit_description": "fixed a bug",
        "checksum": f"SHA256:{hashlib.sha256(ARCHIVE).hexdigest()}",
    }
    made = api.post("/apps/hello/slugs", {**WANTED, **said, "stack": "kedge-13"})
    assert {name: made[name] for name in said} == said
    assert made["process_types"] == WANTED["process_types"]
    assert (made["stack"]["name"], made["size"], made["blob"]["method"]) == (
        "kedge-13",
        None,
        "put",
    )
    found = api.get(f"/apps/hello/slugs/{made['id']}")
    assert found["blob"]["method"] == "get"
    assert [row["id"] for row in api.get("/apps/hello/slugs")] == [made["id"]]


def test_an_uploaded_slug_is_released_and_downloaded(api, deployer, slug):
    """What is in ./app is what comes back, and its process types are the app's."""
    put(api, slug)
    assert api.get(f"/apps/hello/slugs/{slug['id']}")["size"] > 0
    release = api.post("/apps/hello/releases", {"slug": slug["id"], "description": "By hand"})
    assert (release["version"], release["description"]) == (3, "By hand")
    assert release["slug"]["id"] == slug["id"]
    deployer.go_live("hello", 3)
    formation = api.get("/apps/hello/formation")
    assert [(row["type"], row["quantity"]) for row in formation] == [("web", 1), ("worker", 0)]
    assert api.get("/apps/hello")["slug_size"] > 0
    blob = api.get(f"/apps/hello/slugs/{slug['id']}")["blob"]
    got = api.answer("GET", path(blob), headers={"Authorization": ""})
    assert got.mimetype == "application/gzip"
    assert content(got.data) == {"./app/web.py": b"./app/web.py", "./app/lib/a": b"./app/lib/a"}


def test_a_slug_that_was_built_can_be_downloaded_and_uploaded_again(api, deployer, hello):
    """Moving a slug to another app takes the two calls and nothing else."""
    built = api.get(f"/apps/hello/slugs/{deployer.build()['slug']['id']}")
    archive = api.answer("GET", path(built["blob"])).data
    assert "./Procfile" in content(archive)
    assert archive == api.answer("GET", path(built["blob"])).data, "the same bytes each time"


def test_a_release_of_a_slug_without_an_archive_is_refused_in_words(api, slug):
    """Nothing is released, and the words say what to do first."""
    refused = api.post("/apps/hello/releases", {"slug": slug["id"]}, 422)
    assert "Nothing was uploaded for that slug yet" in refused["message"]
    assert len(api.get("/apps/hello/releases")) == 2
    blob = api.get(f"/apps/hello/slugs/{slug['id']}")["blob"]
    assert "Nothing was uploaded" in api.get(path(blob), 404)["message"]


def test_a_slug_is_uploaded_once(api, slug):
    """Slugs do not change: a second upload is refused, and the first stays."""
    put(api, slug)
    before = api.get(f"/apps/hello/slugs/{slug['id']}")
    assert "already" in put(api, slug, gzip.compress(tar("app/other")), 409)["message"]
    after = api.get(f"/apps/hello/slugs/{slug['id']}")
    assert (after["size"], after["checksum"]) == (before["size"], before["checksum"])
    assert after["checksum"] == f"SHA256:{hashlib.sha256(ARCHIVE).hexdigest()}"


def test_an_address_is_good_for_one_thing_and_an_hour(api, services, slug, monkeypatch):
    """Who may download cannot upload, an altered address is none, and an old one is refused."""
    get = api.get(f"/apps/hello/slugs/{slug['id']}")["blob"]
    assert api.put(path(get), status=404, data=ARCHIVE)["id"] == "not_found"
    api.get(path(slug["blob"]), 404)
    for wrong in ("/slugs/zz", "/slugs/00", path(slug["blob"])[:-2] + "00"):
        assert api.put(wrong, status=404, data=ARCHIVE)["id"] == "not_found"
    later = services.now() + timedelta(minutes=61)
    monkeypatch.setattr(type(services), "now", lambda _: later)
    assert "expired" in put(api, slug, status=403)["message"]


def test_an_archive_with_another_checksum_is_refused_and_may_be_sent_again(api, hello):
    """Nothing of the wrong one is kept."""
    checksum = f"SHA256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    slug = api.post("/apps/hello/slugs", {**WANTED, "checksum": checksum})
    assert "SHA256 is" in put(api, slug, gzip.compress(tar("app/other")), 422)["message"]
    assert api.get(f"/apps/hello/slugs/{slug['id']}")["size"] is None
    put(api, slug)


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"", "empty"),
        (b"not an archive at all", "not a tar archive"),
        (ARCHIVE[:-30], "not a tar archive"),
        (gzip.compress(tar("web.py")), "no files in ./app"),
        (tar("application/x"), "no files in ./app"),
        (tar(entry("app", tarfile.SYMTYPE, "/etc"), "app/passwd"), "symbolic link and no folder"),
        (tar("app/a", "app/../../etc/passwd"), "`..` in it"),
        (tar("/app/a"), "begins with a slash"),
        (tar(link("app/a", "../../etc")), "above the root"),
        (tar("app/a", entry("app/b", tarfile.LNKTYPE, "etc/passwd")), "no file before it"),
        (tar("app/a", entry("app/b", tarfile.CHRTYPE)), "neither file, folder nor link"),
        (tar("app/a", link("app/a", "b")), "in the slug twice"),
    ],
    # Not by the archives' bytes, which hold the time they were made at.
    ids=range(12),
)
def test_what_may_not_be_in_a_slug(api, slug, services, archive, words):
    """Tricks with names and links, and what is no slug, are refused and leave nothing."""
    refused = put(api, slug, archive, 422)
    assert words in refused["message"]
    assert dict(services.slugs.digests()) == {}


def test_links_of_a_slug_may_lead_where_they_do_in_a_dyno(api, slug):
    """Within /app, absolute or not, and to the stack's own programs; nothing is setuid."""
    links = {"app/a": "/app/lib/a", "app/bin/python": "/usr/bin/python3", "app/up": "../etc/hosts"}
    setuid = entry("app/run", mode=0o4755)
    put(api, slug, tar("app/lib/a", setuid, *(link(*pair) for pair in links.items())))
    blob = api.get(f"/apps/hello/slugs/{slug['id']}")["blob"]
    archive = api.answer("GET", path(blob)).data
    found = content(archive)
    assert {name: found[f"./{name}"] for name in links} == links
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        run = opened.getmember("./app/run")
    assert (run.mode, run.uid, run.gid) == (0o755, 1000, 1000)


def test_too_large_a_slug_is_refused(api, slug, services, monkeypatch):
    """By what is declared, before it is read, and by what comes when nothing is."""
    monkeypatch.setattr(slug_upload, "MEGABYTE", 1)
    noise = random.Random(1).randbytes(600)
    assert "up to 500 MB" in put(api, slug, noise, 413)["message"]
    streamed = {"input_stream": io.BytesIO(noise), "environ_overrides": {"CONTENT_LENGTH": ""}}
    streamed["environ_overrides"]["wsgi.input_terminated"] = True
    assert "up to 500 MB" in api.put(path(slug["blob"]), status=413, **streamed)["message"]
    assert dict(services.slugs.digests()) == {}


def test_a_full_disk_is_said_in_words(api, slug, services):
    """The upload is a 503, and can be sent again."""
    noise = gzip.compress(tar(("app/noise", uuid.uuid4().bytes * 100_000)), 0)
    with files_no_longer_than(500_000):
        refused = put(api, slug, noise, 503)
    assert "could not be stored" in refused["message"]
    put(api, slug, noise)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"process_types": "web"},
        {"process_types": {"we b": "x"}},
        {"process_types": {"web": ""}},
        {"process_types": {"web": 7}},
        {"process_types": {"web": "x" * 40_000}},
        {**WANTED, "checksum": "SHA256:abc"},
        {**WANTED, "stack": "heroku-99"},
        {**WANTED, "commit": 7},
        {**WANTED, "buildpack_provided_description": "x" * 300},
    ],
)
def test_slugs_that_may_not_be(api, hello, wrong):
    """Process types, checksum, stack and words are held to their form."""
    assert api.post("/apps/hello/slugs", wrong, 422)["message"]
    assert api.get("/apps/hello/slugs") == []


def test_slugs_of_other_apps_are_not_found(api, slug):
    """A slug is released by the app it was announced for, and shown there alone."""
    put(api, slug)
    api.post("/apps", {"name": "other"})
    api.get(f"/apps/other/slugs/{slug['id']}", 404)
    assert "that slug" in api.post("/apps/other/releases", {"slug": slug["id"]}, 422)["message"]
