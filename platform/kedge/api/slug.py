"""Slugs: the code releases are made of, built here or uploaded, and downloaded.

https://devcenter.heroku.com/articles/platform-api-deploying-slugs. The address of an archive is
sealed with the installation's key and expires: whoever knows it may use it.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator
from typing import BinaryIO, cast

from flask import Blueprint, Response, request

from kedge.api import bodies, stack
from kedge.api.answers import answer
from kedge.api.context import actor, public, services, streams, url
from kedge.api.lists import answer_page, asked_page
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.slug import Slug
from kedge.model.tables import Json
from kedge.ops import slug_uploads, slugs
from kedge.ops.slug_uploads import Announced, Verb

routes = Blueprint("slugs", __name__)


def shown(slug: Slug, verb: Verb = "get") -> Json:
    """A slug as the API shows it, with the address to download it at, or to upload it to."""
    return {
        "blob": {"method": verb, "url": _place(slug.id, verb)},
        "buildpack_provided_description": slug.description,
        "checksum": slug.checksum,
        "commit": slug.commit,
        "commit_description": slug.commit_description,
        "created_at": iso(slug.created_at),
        "deleted_at": None,
        "id": str(slug.id),
        "process_types": slug.process_types,
        "size": slug.stored_bytes if slug.is_there else None,
        "stack": stack.named(slug.stack),
        "updated_at": iso(slug.updated_at),
    }


@routes.get("/apps/<app>/slugs")
def list_(app: str) -> Response:
    """The slugs of an app, oldest first unless the Range says otherwise."""
    page = asked_page(slugs.KEYS, "created_at")
    rows = slugs.list_slugs(services(), actor(), app, page)
    return answer_page(rows, page, slugs.KEYS, shown)


@routes.post("/apps/<app>/slugs")
def create(app: str) -> Response:
    """Announce a slug; `blob` is where its tar.gz, with the app in `./app`, is then put."""
    slug = slug_uploads.announce(services(), actor(), app, _announced(bodies.body()))
    return answer(shown(slug, "put"), 201)


@routes.get("/apps/<app>/slugs/<slug>")
def info(app: str, slug: str) -> Response:
    """One slug, by id."""
    return answer(shown(slugs.find(services(), actor(), app, slug)))


@routes.put("/slugs/<address>")
@public
def upload(address: str) -> Response:
    """The archive of a slug, once, for an hour; never held in memory."""
    archive = cast("BinaryIO", request.stream)
    size_bytes = slug_uploads.upload(services(), address, archive, request.content_length)
    return answer({"size": size_bytes})


@routes.get("/slugs/<address>")
@public
def download(address: str) -> Response:
    """A slug as a tar.gz with the app in `./app`, for an hour; packed anew as it goes."""
    packed = cast("Generator[bytes, None, None]", slug_uploads.download(services(), address))
    body = b"" if request.method == "HEAD" else streams().held(packed)
    headers = {"Content-Disposition": "attachment; filename=slug.tgz", "Cache-Control": "no-cache"}
    return Response(body, mimetype="application/gzip", headers=headers)


def _place(slug_id: uuid.UUID, verb: Verb) -> str:
    return url("slugs", slug_uploads.address(services(), slug_id, verb))


def _announced(body: Json) -> Announced:
    if body.get("process_types") is None:
        raise InvalidParams('process_types is needed: {"web": "./bin/web -p $PORT"}.')
    return Announced(
        process_types=bodies.mapping(body, "process_types"),
        checksum=bodies.text(body, "checksum", limit=80),
        commit=bodies.text(body, "commit"),
        commit_description=bodies.text(body, "commit_description"),
        description=bodies.text(body, "buildpack_provided_description", limit=200),
        stack=stack.name_of(bodies.identity(body, "stack")),
    )
