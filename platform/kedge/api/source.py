"""Sources: an address to upload an archive to, and to name it by in a build.

The address holds 122 random bits: whoever knows it may upload the archive once, and read it.
"""

from __future__ import annotations

import uuid
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, send_file

from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, public, services, url
from kedge.errors import NotFound
from kedge.ids import as_uuid
from kedge.ops import apps, sources

routes = Blueprint("sources", __name__)


def place(source_id: uuid.UUID) -> str:
    """Where a source is put and got."""
    return url("sources", source_id)


def id_in(address: str) -> uuid.UUID | None:
    """The id of a source in its address, None when the address is no source's."""
    try:
        folder, _, last = urlsplit(address).path.rpartition("/")
    except ValueError:  # not an address at all
        return None
    return as_uuid(last) if folder.endswith("/sources") else None


@routes.post("/sources")
def create() -> Response:
    """Where to upload an archive."""
    bodies.body()
    where = place(sources.create(services()).id)
    return answer({"source_blob": {"get_url": where, "put_url": where}}, 201)


@routes.post("/apps/<app>/sources")
def create_for_app(app: str) -> Response:
    """Where to upload an archive, in the older form."""
    apps.find(services(), actor(), app)
    return create()


@routes.put("/sources/<source>")
@public
def upload(source: str) -> Response:
    """The archive itself, read as it comes and never held in memory."""
    archive = cast("BinaryIO", request.stream)
    size_bytes = sources.upload(services(), _id(source), archive, request.content_length)
    return answer({"size": size_bytes})


@routes.get("/sources/<source>")
@public
def download(source: str) -> Response:
    """The archive as it was uploaded."""
    path = sources.path_of(services(), _id(source))
    return send_file(path, mimetype="application/gzip", etag=False, conditional=True)


def _id(source: str) -> uuid.UUID:
    found = as_uuid(source)
    if found is None:
        raise NotFound.of("source")
    return found
