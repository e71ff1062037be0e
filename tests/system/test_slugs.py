"""Slugs packed elsewhere: uploaded, released, answering, downloaded, and moved to another app."""

from __future__ import annotations

import hashlib
import io
import tarfile

import httpx
import pytest

from system.installation import HELLO, wait_until
from system.uploads import packed

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ARCHIVE = packed({f"./app/{name}": text for name, text in HELLO.items()})


def announced(app, archive, **more):
    """A slug whose archive was put to its address, as by `curl -T`."""
    body = {"process_types": {"web": "python3 server.py"}, "commit": "1a2b3c4d5e", **more}
    slug = app.api("POST", "/slugs", body)
    put = httpx.put(slug["blob"]["url"], content=archive, timeout=60)
    assert put.status_code == 200, put.text
    return slug


def downloaded(app, slug_id):
    """The archive of a slug, by name."""
    archive = httpx.get(app.api("GET", f"/slugs/{slug_id}")["blob"]["url"], timeout=60).content
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        files = {info.name: tar.extractfile(info).read().decode() for info in tar if info.isreg()}
    return archive, files


def test_a_slug_packed_elsewhere_is_released_and_answers(new_app):
    """Announce, put, release: the app answers; what is downloaded runs in another app as well."""
    app, other = new_app(), new_app()
    checksum = f"SHA256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    slug = announced(app, ARCHIVE, checksum=checksum)
    assert app.api("POST", "/releases", {"slug": slug["id"]})["description"] == "Deploy 1a2b3c4d"
    wait_until(lambda: app.get().status_code == 200)
    assert app.get().text == "Hello one web.1 v3"
    archive, files = downloaded(app, slug["id"])
    assert files == {f"./app/{name}": text for name, text in HELLO.items()}
    moved = announced(other, archive)
    other.api("POST", "/releases", {"slug": moved["id"]})
    wait_until(lambda: other.get().status_code == 200)


def test_a_slug_that_was_built_is_downloaded_as_its_dynos_see_it(standing_app):
    """Every file of the app is in ./app."""
    app = standing_app
    _, files = downloaded(app, app.release(3)["slug"]["id"])
    assert files["./app/server.py"] == HELLO["server.py"]
    assert all(name.startswith("./app/") for name in files)
